"""The form that takes the token. It stands alone in one answer: nothing else is served to a stranger."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from string import Template

from starlette.responses import HTMLResponse, Response

_STYLE = """
:root { color-scheme: light dark; --ground: #e9edf2; --card: #fbfcfd; --text: #15202c; --soft: #3a4a5a;
  --accent: #0a7468; --on-accent: #fff; --line: #7f8c99; --red: #b3231a; }
@media (prefers-color-scheme: dark) { :root { --ground: #0b1016; --card: #111922; --text: #e8eef5; --soft: #b4c2d0;
  --accent: #56d3c2; --on-accent: #06231f; --line: #5c7086; --red: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 16px; background: var(--ground);
  color: var(--text); font: 16px/1.5 system-ui, "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", sans-serif; }
main { width: min(100%, 440px); padding: 28px; border-radius: 12px; background: var(--card); }
h1 { margin: 0 0 8px; font-size: 22px; }
p { margin: 0 0 16px; color: var(--soft); overflow-wrap: anywhere; }
label { display: block; margin-bottom: 4px; font-weight: 600; }
input, button { width: 100%; padding: 10px 12px; border-radius: 8px; font: inherit; }
input { margin-bottom: 14px; border: 1px solid var(--line); background: var(--ground); color: var(--text); }
button { border: 0; background: var(--accent); color: var(--on-accent); font-weight: 600; cursor: pointer; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.wrong { color: var(--red); font-weight: 600; }
code { font-family: ui-monospace, monospace; font-size: 14px; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_PAGE = Template("""<!doctype html>
<html lang="$lang">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>$style</style>
</head>
<body>
<main>
<h1>$title</h1>
<p>$explained</p>
$wrong
<form method="post" action="/sign-in">
<input name="username" value="owner" autocomplete="username" hidden>
<label for="token">$label</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<button>$button</button>
</form>
</main>
</body>
</html>
""")

_TEXTS = {
    "en": {
        "title": "GridSentry edge box",
        "explained": "The token lies on the box itself, in its state folder: <code>local.token</code>",
        "label": "Token",
        "button": "Sign in",
        "wrong": "That was not the token.",
    },
    "zh": {
        "title": "GridSentry 边缘盒",
        "explained": "令牌在本盒的状态目录中：<code>local.token</code>",
        "label": "令牌",
        "button": "登录",
        "wrong": "令牌不正确。",
    },
}


def sign_in_page(accept_language: str, *, wrong: bool, status: int) -> Response:
    """The form in the browser's language."""
    lang = preferred_language(accept_language)
    texts = _TEXTS[lang]
    said = f'<p class="wrong" role="alert">{escape(texts["wrong"])}</p>' if wrong else ""
    html = _PAGE.substitute({**texts, "wrong": said, "style": _STYLE, "lang": "zh-CN" if lang == "zh" else "en"})
    return HTMLResponse(
        html, status_code=status, headers={"Content-Security-Policy": _POLICY, "Vary": "Accept-Language"}
    )


def preferred_language(accept_language: str) -> str:
    """`zh` or `en`: the first of the browser's languages that the page has. Browsers list the preferred one first."""
    for part in accept_language.split(","):
        primary = part.strip().partition(";")[0].partition("-")[0].lower()
        if primary in _TEXTS:
            return primary
    return "en"

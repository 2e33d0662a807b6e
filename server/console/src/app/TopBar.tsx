import { useSyncExternalStore, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Account } from "../api/types";
import { useLanguage } from "../i18n";
import { formatMoment } from "../lib/time";
import { serverNow } from "../lib/clock";
import { audioReady, subscribeAudio, unlockAudio } from "../live/chime";
import { useLiveStatus } from "../live/LiveContext";
import { useSignOut } from "../session/useSession";
import { Icon } from "./Icon";
import { LanguageButton } from "./LanguageButton";
import { Logo } from "./Logo";
import { useMuted, useTheme } from "./preferences";
import { useRoute, type Route } from "./route";

interface TopBarProps {
  account: Account;
  onHelp: () => void;
}

export function TopBar({ account, onHelp }: TopBarProps): ReactNode {
  const { t } = useTranslation();
  const { theme, next } = useTheme();
  const signOut = useSignOut();
  const themeLabel = t("top.theme", { theme: t(`top.themes.${theme}`) });
  return (
    <header className="top-bar">
      <span className="brand">
        <Logo size={26} />
        <span className="brand-name">{t("app.name")}</span>
      </span>
      {account.role === "admin" ? <Navigation /> : null}
      <span className="top-space" />
      <LiveState />
      <MuteButton />
      <LanguageButton />
      <button type="button" className="icon-button wide-only" aria-label={themeLabel} title={themeLabel} onClick={next}>
        <Icon name={theme === "system" ? "contrast" : theme === "dark" ? "moon" : "sun"} />
      </button>
      <button type="button" className="icon-button wide-only" aria-label={t("top.help")} title={t("top.help")} data-testid="help" onClick={onHelp}>
        <Icon name="keyboard" />
      </button>
      <span className="who wide-only" title={t("top.scope", { code: account.grid_scope })}>
        {account.display_name}
      </span>
      <button type="button" className="icon-button" aria-label={t("top.signOut")} title={t("top.signOut")} data-testid="sign-out" onClick={() => void signOut()}>
        <Icon name="out" />
      </button>
    </header>
  );
}

const PAGES = [
  [{ page: "alerts", alert: null }, "alerts"],
  [{ page: "audit", subject: null }, "audit"],
  [{ page: "dead-letters" }, "deadLetters"],
  [{ page: "devices" }, "devices"],
] as const satisfies readonly (readonly [Route, string])[];

function Navigation(): ReactNode {
  const { t } = useTranslation();
  const [route, navigate] = useRoute();
  return (
    <nav className="top-nav" aria-label={t("top.navigation")}>
      {PAGES.map(([target, name]) => (
        <button
          key={name}
          type="button"
          className="nav-link"
          data-testid={`nav-${target.page}`}
          aria-current={route.page === target.page ? "page" : undefined}
          onClick={() => navigate(target)}
        >
          {t(`top.${name}`)}
        </button>
      ))}
    </nav>
  );
}

/** A silent console must never look like a quiet city: the state of the connection is always in sight. */
function LiveState(): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const { state, since } = useLiveStatus();
  const text =
    state === "reconnecting"
      ? t("live.reconnecting", { time: formatMoment(new Date(since).toISOString(), language, serverNow()) })
      : t(`live.${state}`);
  return (
    <span className={`live-state live-${state}`} data-testid="live-state" data-state={state} role="status">
      <span className="live-dot" aria-hidden="true" />
      <span className="live-text">{text}</span>
    </span>
  );
}

function MuteButton(): ReactNode {
  const { t } = useTranslation();
  const [muted, setMuted] = useMuted();
  const ready = useSyncExternalStore(subscribeAudio, audioReady);
  const state = muted ? "muted" : ready ? "on" : "blocked";
  const label = t(state === "muted" ? "top.muted" : state === "on" ? "top.soundOn" : "top.soundBlocked");
  const hint = t(muted ? "top.unmute" : "top.mute");
  return (
    <button
      type="button"
      className={`chip-button sound-${state}`}
      data-testid="mute"
      data-state={state}
      aria-label={`${label} (M)`}
      aria-keyshortcuts="M"
      title={hint}
      onClick={() => {
        unlockAudio();
        setMuted(!muted);
      }}
    >
      <Icon name={muted ? "muted" : "sound"} />
      <span className="wide-only">{label}</span>
    </button>
  );
}

import { useState, type ReactNode, type SubmitEvent } from "react";
import { useTranslation } from "react-i18next";

import { ApiError } from "../api/problem";
import { LanguageButton } from "../app/LanguageButton";
import { Logo } from "../app/Logo";
import { formatAge, type Language } from "../lib/time";
import { useLanguage } from "../i18n";
import { unlockAudio } from "../live/chime";
import { useSignIn } from "./useSession";

export function SignIn({ ended }: { ended: boolean }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [missing, setMissing] = useState(false);
  const mutation = useSignIn();
  const message = useProblemText(mutation.error, language);

  const submit = (event: SubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    unlockAudio(); // This click or key is the gesture that lets alerts be heard.
    const incomplete = username.trim() === "" || password === "";
    setMissing(incomplete);
    if (!incomplete) mutation.mutate({ username: username.trim(), password });
  };

  const problem = missing ? t("signIn.missing") : message;
  return (
    <main className="sign-in">
      <div className="sign-in-grid" aria-hidden="true" />
      <form className="sign-in-card" onSubmit={submit} aria-labelledby="sign-in-title" noValidate>
        <div className="sign-in-brand">
          <Logo size={44} />
          <div>
            <h1 id="sign-in-title">{t("app.name")}</h1>
            <p>{t("app.tagline")}</p>
          </div>
          <LanguageButton />
        </div>
        {ended && problem === null ? <p className="notice">{t("signIn.ended")}</p> : null}
        {problem === null ? null : (
          <p className="notice notice-bad" role="alert" data-testid="sign-in-problem">
            {problem}
          </p>
        )}
        <label className="field">
          <span>{t("signIn.username")}</span>
          <input
            data-testid="username"
            name="username"
            autoComplete="username"
            autoCapitalize="none"
            spellCheck={false}
            value={username}
            onChange={(event) => setUsername(event.target.value)}
          />
        </label>
        <label className="field">
          <span>{t("signIn.password")}</span>
          <input
            data-testid="password"
            name="password"
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
          />
        </label>
        <button className="button button-primary" data-testid="sign-in" type="submit" disabled={mutation.isPending}>
          {mutation.isPending ? t("signIn.busy") : t("signIn.submit")}
        </button>
      </form>
    </main>
  );
}

function useProblemText(error: Error | null, language: Language): string | null {
  const { t } = useTranslation();
  if (error === null) return null;
  if (!(error instanceof ApiError)) return t("signIn.unreachable");
  if (error.status === 429 || error.status === 423) {
    const seconds = error.problem.retryAfterSeconds;
    return seconds === null ? t("signIn.lockedUnknown") : t("signIn.locked", { time: formatAge(seconds, language) });
  }
  if (error.status === 401 || error.status === 422 || error.status === 400) return t("signIn.wrong");
  return error.problem.detail || error.problem.title;
}

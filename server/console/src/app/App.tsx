import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { SignIn } from "../session/SignIn";
import { useSession } from "../session/useSession";
import { Console } from "./Console";
import { useApplyTheme } from "./preferences";
import { Toasts } from "./Toasts";

export function App(): ReactNode {
  useApplyTheme();
  return (
    <>
      <Gate />
      <Toasts />
    </>
  );
}

function Gate(): ReactNode {
  const { t } = useTranslation();
  const session = useSession();
  const wasSignedIn = useWasSignedIn(session.kind === "signed-in");
  switch (session.kind) {
    case "loading":
      return <div className="splash" role="status" aria-label={t("common.loading")} />;
    case "unreachable":
      return (
        <main className="splash">
          <div className="empty" role="alert">
            <p>{t("signIn.unreachable")}</p>
            <button type="button" className="button" onClick={session.retry}>
              {t("common.retry")}
            </button>
          </div>
        </main>
      );
    case "signed-out":
      return <SignIn ended={wasSignedIn} />;
    case "signed-in":
      return <Console key={session.account.id} account={session.account} />;
  }
}

/** Whether somebody was signed in since the page was loaded, and is not any more: that deserves a word. */
function useWasSignedIn(signedIn: boolean): boolean {
  const [was, setWas] = useState(false);
  if (signedIn && !was) setWas(true);
  return was && !signedIn;
}

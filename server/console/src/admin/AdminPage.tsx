import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Account } from "../api/types";
import type { Route } from "../app/route";
import { AuditView } from "./AuditView";
import { DeadLettersView } from "./DeadLettersView";
import { DevicesView } from "./DevicesView";

interface AdminPageProps {
  route: Exclude<Route, { page: "alerts" }>;
  account: Account;
}

export function AdminPage({ route, account }: AdminPageProps): ReactNode {
  const { t } = useTranslation();
  if (account.role !== "admin") {
    return (
      <main className="admin">
        <div className="empty" role="alert">
          {t("admin.forbidden")}
        </div>
      </main>
    );
  }
  const { page } = route;
  const name = page === "dead-letters" ? "deadLetters" : page;
  return (
    // eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- it scrolls: the keyboard must be able to get there
    <main className="admin" data-testid={`page-${page}`} tabIndex={0}>
      <header className="admin-head">
        <h1>{t(`admin.${name}.title`)}</h1>
        <p className="faint">{t(`admin.${name}.hint`)}</p>
      </header>
      {route.page === "audit" ? <AuditView subject={route.subject} /> : null}
      {page === "dead-letters" ? <DeadLettersView /> : null}
      {page === "devices" ? <DevicesView /> : null}
    </main>
  );
}

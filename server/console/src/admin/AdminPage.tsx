import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Account } from "../api/types";
import { AuditView } from "./AuditView";
import { DeadLettersView } from "./DeadLettersView";
import { DevicesView } from "./DevicesView";

interface AdminPageProps {
  page: "audit" | "dead-letters" | "devices";
  account: Account;
}

export function AdminPage({ page, account }: AdminPageProps): ReactNode {
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
  const name = page === "dead-letters" ? "deadLetters" : page;
  return (
    <main className="admin" data-testid={`page-${page}`}>
      <header className="admin-head">
        <h1>{t(`admin.${name}.title`)}</h1>
        <p className="faint">{t(`admin.${name}.hint`)}</p>
      </header>
      {page === "audit" ? <AuditView /> : null}
      {page === "dead-letters" ? <DeadLettersView /> : null}
      {page === "devices" ? <DevicesView /> : null}
    </main>
  );
}

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "./Icon";
import { dismissToast, useToasts } from "./toasts";

export function Toasts(): ReactNode {
  const { t } = useTranslation();
  const toasts = useToasts();
  return (
    <div className="toasts" role="status" aria-live="polite" data-testid="toasts">
      {toasts.map((toast) => (
        <div key={toast.id} className={`toast toast-${toast.tone}`}>
          <Icon name={toast.tone === "good" ? "check" : toast.tone === "bad" ? "warning" : "info"} />
          <span>{toast.text}</span>
          <button type="button" className="icon-button" aria-label={t("common.close")} onClick={() => dismissToast(toast.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

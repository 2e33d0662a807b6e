import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

/** Says that an alert is a drill, in both languages at once: nobody may take it for real because of a setting. */
export function DrillMark(): ReactNode {
  const { t } = useTranslation();
  return (
    <span className="badge badge-drill" title={t("drill.hint")} data-testid="drill">
      演练 CANARY
    </span>
  );
}

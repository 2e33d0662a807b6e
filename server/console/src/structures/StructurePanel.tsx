import { useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AlertDetail } from "../api/types";
import { Waiting } from "../evidence/Waiting";
import { Stills } from "../signals/Stills";
import { stillGroups } from "../signals/stills";

/** The place before and after, side by side: what a person decides by. */
export function StructurePanel({ alert }: { alert: AlertDetail }): ReactNode {
  const { t } = useTranslation();
  const groups = useMemo(() => stillGroups(alert.evidence), [alert.evidence]);
  if (groups.length === 0) {
    return <Waiting title={t("evidence.waitingPicture")} hint={t("evidence.noneYetHint")} evidence={null} />;
  }
  return (
    <div className="signal-panel structure-panel" data-testid="structure-panel">
      <Stills groups={groups} nameOf={(name) => name} repairedAt={alert.repaired_at} words="structure" />
    </div>
  );
}

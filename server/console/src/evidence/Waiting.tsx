import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Evidence } from "../api/types";

interface WaitingProps {
  title: string;
  hint: string | null;
  evidence: Evidence | null;
}

/** A file that is still on its way: said plainly, and replaced by the file as soon as it is whole. */
export function Waiting({ title, hint, evidence }: WaitingProps): ReactNode {
  const { t } = useTranslation();
  if (evidence?.state === "dropped") return <Dropped evidence={evidence} />;
  return (
    <div className="stage stage-waiting" data-testid="evidence-waiting" role="status">
      <div className="waiting-sweep" aria-hidden="true" />
      <p className="waiting-title">{title}</p>
      {evidence?.state === "partial" ? (
        <p>{t("evidence.partial", { size: formatBytes(evidence.bytes) })}</p>
      ) : hint === null ? null : (
        <p className="faint">{hint}</p>
      )}
    </div>
  );
}

const REASONS: readonly string[] = ["disk_short", "quota", "lost"];

/** A file that its box gave up: nobody should wait for it. */
function Dropped({ evidence }: { evidence: Evidence }): ReactNode {
  const { t } = useTranslation();
  const reason = evidence.dropped_reason ?? "";
  const known = REASONS.includes(reason) ? (reason as "disk_short" | "quota" | "lost") : "other";
  return (
    <div className="stage stage-waiting" data-testid="evidence-dropped" role="status">
      <p className="waiting-title">{t(`evidence.dropped.${known}`)}</p>
      <p className="faint">{t("evidence.droppedHint", { size: formatBytes(evidence.bytes) })}</p>
    </div>
  );
}

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} KB`;
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`;
}

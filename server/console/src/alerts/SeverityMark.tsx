import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Severity } from "../api/types";

/** Each severity has a colour, a shape and a word: nobody has to tell red from yellow by colour. */
const SHAPES: Record<Severity, string> = {
  red: "M10 2.2 18.4 17H1.600z",
  yellow: "M10 1.500 18.500 10 10 18.500 1.500 10z",
  blue: "M10 2.500a7.500 7.500 0 1 0 0 15 7.500 7.500 0 0 0 0-15",
};

export function SeverityMark({ severity, words = false }: { severity: Severity; words?: boolean }): ReactNode {
  const { t } = useTranslation();
  return (
    <span className={`severity severity-${severity}`} title={t(`severityMeaning.${severity}`)}>
      <svg viewBox="0 0 20 20" width="14" height="14" aria-hidden="true">
        <path d={SHAPES[severity]} />
      </svg>
      <span className={words ? "severity-word" : "visually-hidden"}>{t(`severity.${severity}`)}</span>
    </span>
  );
}

import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AlertDetail } from "../api/types";
import { useLanguage } from "../i18n";

/** The routing decision, step by step, as the server explained it. */
export function WhyHere({ alert }: { alert: AlertDetail }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const { steps, list_version: list, grid_version: grid } = alert.explanation;
  return (
    <section className="why" aria-labelledby="why-title" data-testid="explanation">
      <h3 id="why-title">{t("detail.why")}</h3>
      <ol className="steps">
        {steps.map((step, index) => (
          <li key={index} className={`step step-${step.outcome}`}>
            {(language === "zh" ? step.text_zh : step.text_en) || `${step.rule} ${step.outcome}`}
          </li>
        ))}
      </ol>
      <p className="faint small">{t("detail.whyLists", { list: list ?? "–", grid: grid ?? "–" })}</p>
    </section>
  );
}

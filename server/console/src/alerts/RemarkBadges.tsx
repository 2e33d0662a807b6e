import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Remark } from "./remarks";

/** A small badge for each remark; its title says it in full. */
export function RemarkBadges({ remarks }: { remarks: readonly Remark[] }): ReactNode {
  const { t } = useTranslation();
  return remarks.map(({ kind, text, hint, values = {} }) => (
    <span key={kind} className="badge" title={t(hint, values)} data-testid={`remark-${kind}`}>
      {t(text, values)}
    </span>
  ));
}

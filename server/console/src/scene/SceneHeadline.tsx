import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { AlertDetail } from "../api/types";
import { useLanguage } from "../i18n";
import { useNow } from "../lib/useNow";
import { lastedSeconds } from "../signals/repaired";
import { structureFacts, structureText } from "../structures/facts";
import { fireFacts, fireText } from "./fire";
import { objectsFacts, objectsText } from "./objects";

/** No number stands at the end of one line and its sign at the beginning of the next. */
function unbroken(sentence: string): string {
  return sentence.replaceAll(" %", "\u00a0%");
}

/** What the camera sees, in one sentence below the alert's name; nothing for hazards that tell it elsewhere. */
export function SceneHeadline({ alert }: { alert: AlertDetail }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const now = useNow();
  const seconds = lastedSeconds(alert, now);
  const fire = fireFacts(alert.detail);
  if (fire !== null) {
    return (
      <p className="scene-headline" data-testid="scene-headline" data-stage={fire.stage}>
        <span className={`badge stage-${fire.stage}`} title={t(`fire.stageHint.${fire.stage}`)}>
          {t(`fire.stage.${fire.stage}`)}
        </span>
        <span>{unbroken(fireText(alert.hazard, fire, seconds, t, language))}</span>
      </p>
    );
  }
  const structure = structureFacts(alert.detail);
  if (structure !== null) {
    return (
      <p className="scene-headline" data-testid="scene-headline">
        <span>{structureText(structure, t, language).replaceAll(" m²", "\u00a0m²")}</span>
      </p>
    );
  }
  const objects = objectsFacts(alert.detail);
  if (objects === null) return null;
  return (
    <p className="scene-headline" data-testid="scene-headline">
      <span>{objectsText(objects, seconds, t, language)}</span>
    </p>
  );
}

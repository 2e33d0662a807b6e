import { useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { Icon } from "./Icon";

const GROUPS = [
  ["verdict", [["C", "confirm"], ["R", "reject"], ["U", "unsure"]]],
  ["list", [["J", "next"], ["K", "previous"], ["/", "filter"]]],
  ["evidence", [["O", "overlay"], ["␣", "play"], ["← →  , .", "step"]]],
  ["general", [["M", "mute"], ["?", "help"], ["Esc", "close"]]],
] as const;

export function HelpDialog({ onClose }: { onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="help" aria-labelledby="help-title" data-testid="help-dialog" onClose={onClose}>
      <header>
        <h2 id="help-title">{t("help.title")}</h2>
        <button type="button" className="icon-button" aria-label={t("common.close")} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div className="help-groups">
        {GROUPS.map(([group, keys]) => (
          <section key={group}>
            <h3>{t(`help.groups.${group}`)}</h3>
            <dl>
              {keys.map(([key, name]) => (
                <div key={name}>
                  <dt>
                    <kbd>{key}</kbd>
                  </dt>
                  <dd>{t(`help.keys.${name}`)}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <p className="faint">{t("help.claim")}</p>
    </dialog>
  );
}

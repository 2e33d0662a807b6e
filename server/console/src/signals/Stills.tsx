import { useEffect, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { evidenceUrl } from "../api/calls";
import type { Evidence } from "../api/types";
import { Icon } from "../app/Icon";
import { useLanguage } from "../i18n";
import { formatClock } from "../lib/time";
import { dayText } from "../structures/facts";
import { stillKind, type StillGroup } from "./stills";

interface StillsProps {
  groups: readonly StillGroup[];
  nameOf: (id: string) => string;
  repairedAt: string | null | undefined;
  /** In whose words they are described. */
  words?: Words;
}

type Words = "signal" | "structure";

/** Each head as it was and as it is, side by side. */
export function Stills({ groups, nameOf, repairedAt, words = "signal" }: StillsProps): ReactNode {
  const { t } = useTranslation();
  const [enlarged, setEnlarged] = useState<{ still: Evidence; text: string } | null>(null);
  if (groups.length === 0) return null;
  return (
    <section className="stills" aria-label={t(`${words}.stills`)} data-testid="stills">
      {groups.map((group) => (
        <div key={group.label} className="still-group">
          <p className="still-head">{group.label === "" ? t(`${words}.stillOther`) : nameOf(group.label)}</p>
          <div className="still-row">
            {group.stills.map((still) => (
              <Still
                key={still.sha256}
                still={still}
                kind={stillKind(still, repairedAt)}
                head={nameOf(group.label)}
                words={words}
                onEnlarge={(text) => setEnlarged({ still, text })}
              />
            ))}
          </div>
        </div>
      ))}
      {enlarged === null ? null : <Enlarged {...enlarged} onClose={() => setEnlarged(null)} />}
    </section>
  );
}

interface StillProps {
  still: Evidence;
  kind: "before" | "after" | "mended";
  head: string;
  words: Words;
  onEnlarge: (text: string) => void;
}

function Still({ still, kind, head, words, onEnlarge }: StillProps): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const time =
    words === "structure" ? dayText(still.captured_at, language) : formatClock(Date.parse(still.captured_at), language, true);
  const when = t(`${words}.${kind}`);
  const text = t(`${words}.still`, { head: head || t(`${words}.stillOther`), when, time });
  return (
    <figure className={`still still-${kind}`}>
      {still.state === "whole" ? (
        <button type="button" aria-label={t(`${words}.enlarge`, { still: text })} data-testid="still" onClick={() => onEnlarge(text)}>
          <img src={evidenceUrl(still.sha256)} alt={text} loading="lazy" />
        </button>
      ) : (
        <span className="still-waiting" role="status" aria-label={text}>
          {still.state === "dropped" ? "✕" : "…"}
        </span>
      )}
      <figcaption>
        {when} <time dateTime={still.captured_at}>{time}</time>
      </figcaption>
    </figure>
  );
}

function Enlarged({ still, text, onClose }: { still: Evidence; text: string; onClose: () => void }): ReactNode {
  const { t } = useTranslation();
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // Keys belong to the picture while it is open: Escape closes it and not the alert.
    const keep = (event: KeyboardEvent): void => event.stopPropagation();
    element?.addEventListener("keydown", keep);
    return () => element?.removeEventListener("keydown", keep);
  }, []);
  return (
    <dialog ref={dialog} className="still-dialog" aria-label={text} data-testid="still-dialog" onClose={onClose}>
      <header>
        <p>{text}</p>
        <button type="button" className="icon-button" aria-label={t("common.close")} onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <img src={evidenceUrl(still.sha256)} alt={text} />
    </dialog>
  );
}

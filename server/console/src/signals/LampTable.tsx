import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { useLanguage } from "../i18n";
import { formatAge } from "../lib/time";
import { firstLook, type Head, type LampTimeline } from "./timeline";
import { headName, stateText, timeOf } from "./words";

/** Of one head: enough for what is told, and no page of a thousand rows. */
const MOST_ROWS = 60;
const MOST_HEADS = 8;

/** The timeline as text, the faulty heads first: for those who cannot see the drawing, and to copy from. */
export function LampTable({ timeline }: { timeline: LampTimeline }): ReactNode {
  const { t } = useTranslation();
  const [open, setOpen] = useState(false);
  return (
    <details className="lamp-text" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t("signal.timeline.asText")}</summary>
      {!open ? null : (
        <table className="lamp-table" data-testid="lamp-table">
          <thead>
            <tr>
              <th scope="col">{t("signal.timeline.textHead")}</th>
              <th scope="col">{t("signal.timeline.textFrom")}</th>
              <th scope="col">{t("signal.timeline.textFor")}</th>
              <th scope="col">{t("signal.timeline.textState")}</th>
            </tr>
          </thead>
          {timeline.heads.slice(0, MOST_HEADS).map((head) => (
            <HeadRows key={head.id} timeline={timeline} head={head} />
          ))}
        </table>
      )}
    </details>
  );
}

function HeadRows({ timeline, head }: { timeline: LampTimeline; head: Head }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const began = firstLook(timeline);
  const first = Math.max(0, head.spans.findIndex(({ end }) => end >= began) - MOST_ROWS / 3);
  const shown = head.spans.slice(first, first + MOST_ROWS);
  const left = head.spans.length - shown.length;
  return (
    <tbody>
      {shown.map((span) => (
        <tr key={span.start}>
          <th scope="row">
            {head.concerned ? "▲ " : ""}
            {headName(head)}
          </th>
          <td>{timeOf(timeline, span.start, language)}</td>
          <td>{formatAge(span.end - span.start, language)}</td>
          <td>{stateText(head, span, t)}</td>
        </tr>
      ))}
      {left === 0 ? null : (
        <tr>
          <td colSpan={4} className="faint">
            {t("signal.timeline.textCut", { count: left })}
          </td>
        </tr>
      )}
    </tbody>
  );
}

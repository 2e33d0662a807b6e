import { memo, useMemo, type KeyboardEvent, type PointerEvent, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Language } from "../lib/time";
import { bands, pieces, type Piece } from "./drawing";
import { firstLook, spanAt, type Head, type LampTimeline } from "./timeline";
import { headName, spanText } from "./words";

export const ROW_PX = 30;
/** So narrow a piece has no room for a sign. */
const SIGN_PX = 14;
const DARK_WORD_PX = 46;
const PAGE = 10;

export interface LampRowProps {
  timeline: LampTimeline;
  head: Head;
  scale: number;
  /** What is near enough to be seen, in seconds. */
  from: number;
  to: number;
  /** Where the reader is, if in this row. */
  cursor: number | null;
  language: Language;
  onCursor: (head: string, t: number, reveal: boolean) => void;
}

/** One head: its lamps over time, as a slider that tells each piece. */
export const LampRow = memo(function LampRow(props: LampRowProps): ReactNode {
  const { timeline, head, scale, from, to, cursor, language, onCursor } = props;
  const { t } = useTranslation();
  const { start, end } = timeline;
  const width = (end - start) * scale;
  const drawn = useMemo(() => pieces(head.spans, start, scale, from, to), [head, start, scale, from, to]);
  const at = spanAt(head.spans, cursor ?? firstLook(timeline));
  const span = head.spans[at];

  const move = (event: PointerEvent<HTMLDivElement>): void => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    onCursor(head.id, Math.min(end, Math.max(start, start + x / scale)), false);
  };
  const press = (event: KeyboardEvent): void => {
    const target = {
      ArrowRight: cursor === null ? at : at + 1,
      ArrowLeft: cursor === null ? at : at - 1,
      PageDown: at + PAGE,
      PageUp: at - PAGE,
      Home: 0,
      End: head.spans.length - 1,
    }[event.key];
    if (target === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    // Elsewhere the arrows step through the clip.
    event.stopPropagation();
    event.preventDefault();
    const next = head.spans[Math.min(head.spans.length - 1, Math.max(0, target))];
    if (next !== undefined) onCursor(head.id, next.start, true);
  };

  return (
    <div className={head.concerned ? "lamp-row lamp-row-concerned" : "lamp-row"} data-testid="lamp-row" data-head={head.id}>
      <div className="lamp-name" title={`${headName(head)} · ${t("signal.timeline.group", { group: head.group })}`}>
        <span>
          {head.concerned ? <b aria-label={t("signal.timeline.concerned")}>▲ </b> : null}
          {headName(head)}
        </span>
        <small>{[head.approach, head.group].filter((word) => word !== "").join(" · ")}</small>
      </div>
      <div
        className="lamp-line"
        role="slider"
        tabIndex={0}
        aria-label={`${headName(head)}, ${t("signal.timeline.group", { group: head.group })}`}
        aria-valuemin={Math.round(start)}
        aria-valuemax={Math.round(end)}
        aria-valuenow={Math.round(Math.min(end, Math.max(start, cursor ?? span?.start ?? start)))}
        aria-valuetext={span === undefined ? "" : spanText(timeline, head, span, t, language)}
        style={{ width }}
        onPointerMove={move}
        onPointerDown={move}
        onFocus={() => (cursor === null ? onCursor(head.id, span?.start ?? start, false) : undefined)}
        onKeyDown={press}
      >
        <svg width={width} height={ROW_PX} aria-hidden="true" focusable="false">
          {drawn.map((piece, index) => (
            <PieceMark key={index} piece={piece} head={head} />
          ))}
        </svg>
      </div>
    </div>
  );
});

function PieceMark({ piece, head }: { piece: Piece; head: Head }): ReactNode {
  const { t } = useTranslation();
  const { x, unseen, lit, mixed } = piece;
  // A hairline between neighbours, but never at the cost of a narrow piece.
  const width = Math.max(1, piece.width - (piece.width > 6 ? 1 : 0));
  if (unseen !== null) {
    return (
      <g data-state="unseen">
        <rect className="lamp-unseen" x={x} width={width} y={2} height={ROW_PX - 4} />
        <rect fill="url(#lamp-hatch)" x={x} width={width} y={2} height={ROW_PX - 4} />
        {width < SIGN_PX ? null : <Sign x={x + width / 2} y={ROW_PX / 2} text="?" kind="unseen" />}
      </g>
    );
  }
  const inner = ROW_PX - 4;
  return (
    <g data-state={lit.length === 0 ? "dark" : lit.join("+")}>
      <rect className="lamp-dark" x={x} width={width} y={2} height={inner} />
      {lit.length > 0 || width < DARK_WORD_PX ? null : <Sign x={x + width / 2} y={ROW_PX / 2} text={t("signal.dark")} kind="dark" />}
      {bands(lit, head.lamps.length, inner).map(({ lamp, y, height }) => {
        const colour = head.lamps[lamp]?.colour ?? "";
        return (
          <g key={lamp}>
            <rect className={`lamp-lit lamp-${known(colour)}`} x={x} width={width} y={2 + y} height={height} rx={1.5} />
            {mixed ? <rect fill="url(#lamp-mixed)" x={x} width={width} y={2 + y} height={height} /> : null}
            {mixed || width < SIGN_PX || height < 11 ? null : (
              <Sign
                x={x + width / 2}
                y={2 + y + height / 2}
                text={t(`signal.sign.${colour as "red"}`, { defaultValue: colour.slice(0, 1).toUpperCase() }) + arrow(head.lamps[lamp]?.shape)}
                kind="lit"
              />
            )}
          </g>
        );
      })}
    </g>
  );
}

function Sign({ x, y, text, kind }: { x: number; y: number; text: string; kind: "lit" | "dark" | "unseen" }): ReactNode {
  return (
    <text className={`lamp-sign lamp-sign-${kind}`} x={x} y={y} textAnchor="middle" dominantBaseline="central">
      {text}
    </text>
  );
}

const COLOURS: readonly string[] = ["red", "amber", "green", "white"];
const ARROWS: Readonly<Record<string, string>> = { left: "←", straight: "↑", right: "→", u_turn: "↶" };

function known(colour: string): string {
  return COLOURS.includes(colour) ? colour : "other";
}

function arrow(shape: string | undefined): string {
  return ARROWS[shape ?? ""] ?? "";
}

import { useCallback, useLayoutEffect, useMemo, useRef, useState, type ReactNode, type RefObject } from "react";
import { useTranslation } from "react-i18next";

import { useLanguage } from "../i18n";
import { formatClock } from "../lib/time";
import { useMedia } from "../lib/useMedia";
import { clampScale, firstScale, flags, timeTicks } from "./drawing";
import { LampRow } from "./LampRow";
import { LampTable } from "./LampTable";
import { firstLook, spanAt, type LampTimeline } from "./timeline";
import { headName, spanText, summaryText, timeOf } from "./words";

const PHONE_MEDIA = "(max-width: 899px)";
/** The column of names; on a phone the lamps need the room. */
const NAMES_PX = { desk: 132, phone: 84 };
const TICK_PX = 74;
const ZOOM = 1.7;
/** Rows that are drawn without being asked for: faulty ones, and others up to so many. */
const FEW_ROWS = 12;
/** What is drawn follows the scroll position in steps: not every pixel of it is worth drawing anew. */
const STEP_PX = 240;
const FLAG_LINE_PX = 16;

interface Cursor {
  head: string;
  t: number;
}

/** Which head's lamps were lit when, as they were seen. */
export function LampChart({ timeline }: { timeline: LampTimeline }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const names = useMedia(PHONE_MEDIA) ? NAMES_PX.phone : NAMES_PX.desk;
  const box = useRef<HTMLDivElement>(null);
  const view = Math.max(120, useWidth(box) - names);
  const seconds = timeline.end - timeline.start;
  const [chosenScale, setScale] = useState<number | null>(null);
  const scale = clampScale(chosenScale ?? firstScale(seconds, view), seconds, view);
  const [left, setLeft] = useState(0);
  const [everything, setEverything] = useState(false);
  const [cursor, setCursor] = useState<Cursor | null>(null);
  const look = firstLook(timeline);

  const scrollTo = useCallback(
    (at: number, share: number, px: number) => {
      if (box.current !== null) box.current.scrollLeft = (at - timeline.start) * px - share * view;
    },
    [timeline, view],
  );
  // At first, the fault's beginning with a piece of what was normal before it.
  useLayoutEffect(() => {
    scrollTo(look, 0.35, firstScale(seconds, view));
  }, [look, scrollTo, seconds, view]);

  const onCursor = useCallback(
    (head: string, at: number, reveal: boolean) => {
      setCursor({ head, t: at });
      const x = (at - timeline.start) * scale;
      const shown = box.current?.scrollLeft ?? 0;
      if (reveal && (x < shown || x > shown + view - 20)) scrollTo(at, 0.35, scale);
    },
    [scale, scrollTo, timeline.start, view],
  );
  const zoom = (factor: number): void => {
    const middle = timeline.start + ((box.current?.scrollLeft ?? 0) + view / 2) / scale;
    const next = clampScale(scale * factor, seconds, view);
    setScale(next);
    // Once the wider drawing is there, so that there is something to scroll.
    requestAnimationFrame(() => scrollTo(middle, 0.5, next));
  };

  const heads = useMemo(() => {
    const concerned = timeline.heads.filter((head) => head.concerned).length;
    return everything ? timeline.heads : timeline.heads.slice(0, Math.max(FEW_ROWS, Math.min(concerned, 2 * FEW_ROWS)));
  }, [everything, timeline]);
  const near = Math.round(left / STEP_PX) * STEP_PX;
  const from = timeline.start + (near - STEP_PX - view / 2) / scale;
  const to = timeline.start + (near + STEP_PX + 1.5 * view) / scale;

  return (
    <figure className="lamps" data-testid="lamp-timeline" aria-label={t("signal.timeline.label")}>
      <figcaption className="visually-hidden">{summaryText(timeline, t, language)}</figcaption>
      <div className="lamp-tools" role="group" aria-label={t("signal.timeline.label")}>
        <Tool label={t("signal.timeline.zoomOut")} sign="−" testId="lamps-out" onPress={() => zoom(1 / ZOOM)} />
        <Tool label={t("signal.timeline.zoomIn")} sign="＋" testId="lamps-in" onPress={() => zoom(ZOOM)} />
        <Tool label={t("signal.timeline.fit")} sign="⇤⇥" testId="lamps-fit" onPress={() => setScale(view / seconds)} />
        {timeline.moments.map((moment, index) => (
          <button key={index} type="button" className="chip-button" onClick={() => scrollTo(moment.at, 0.4, scale)}>
            {t("signal.timeline.go", { what: t(`signal.timeline.moment.${moment.what}`) })}
          </button>
        ))}
        <Legend />
      </div>
      <div className="lamp-scroll" ref={box} onScroll={(event) => setLeft(event.currentTarget.scrollLeft)}>
        <div className="lamp-sheet" style={{ width: names + seconds * scale }}>
          <Patterns />
          <Axis timeline={timeline} scale={scale} from={from} to={to} />
          {heads.map((head) => (
            <LampRow
              key={head.id}
              timeline={timeline}
              head={head}
              scale={scale}
              from={from}
              to={to}
              cursor={cursor?.head === head.id ? cursor.t : null}
              language={language}
              onCursor={onCursor}
            />
          ))}
          {timeline.moments.map((moment, index) => (
            <span
              key={index}
              className={`lamp-moment lamp-moment-${moment.what}`}
              style={{ left: names + (moment.at - timeline.start) * scale }}
              aria-hidden="true"
            />
          ))}
          {cursor === null ? null : (
            <span className="lamp-cursor" style={{ left: names + (cursor.t - timeline.start) * scale }} aria-hidden="true" />
          )}
        </div>
      </div>
      <Readout timeline={timeline} cursor={cursor} />
      <p className="lamp-more">
        {timeline.heads.length <= heads.length && !everything ? null : (
          <button type="button" className="text-button" onClick={() => setEverything(!everything)}>
            {everything ? t("signal.timeline.fewer") : t("signal.timeline.all", { count: timeline.heads.length })}
          </button>
        )}
      </p>
      <LampTable timeline={timeline} />
    </figure>
  );
}

/** The width of an element as it changes; 0 until it is there. */
function useWidth(ref: RefObject<HTMLElement | null>): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return undefined;
    const observer = new ResizeObserver(() => setWidth(element.clientWidth));
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, [ref]);
  return width;
}

interface ToolProps {
  label: string;
  sign: string;
  testId: string;
  onPress: () => void;
}

function Tool({ label, sign, testId, onPress }: ToolProps): ReactNode {
  return (
    <button type="button" className="chip-button" aria-label={label} title={label} data-testid={testId} onClick={onPress}>
      {sign}
    </button>
  );
}

function Legend(): ReactNode {
  const { t } = useTranslation();
  return (
    <span className="lamp-legend" aria-label={t("signal.timeline.legend")} role="group">
      <span>
        <i className="lamp-key lamp-key-dark" /> {t("signal.timeline.darkLegend")}
      </span>
      <span>
        <i className="lamp-key lamp-key-unseen" /> {t("signal.timeline.unknownLegend")}
      </span>
    </span>
  );
}

/** Patterns that all rows fill with. */
function Patterns(): ReactNode {
  return (
    <svg className="lamp-patterns" width="0" height="0" aria-hidden="true" focusable="false">
      <defs>
        <pattern id="lamp-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <rect className="lamp-hatch" width="2.4" height="7" />
        </pattern>
        <pattern id="lamp-mixed" width="3" height="4" patternUnits="userSpaceOnUse">
          <rect className="lamp-mixed" width="1.4" height="4" />
        </pattern>
      </defs>
    </svg>
  );
}

interface AxisProps {
  timeline: LampTimeline;
  scale: number;
  from: number;
  to: number;
}

/** Local times, and above them what happened when. */
function Axis({ timeline, scale, from, to }: AxisProps): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const width = (timeline.end - timeline.start) * scale;
  const offset = new Date(timeline.zeroAt).getTimezoneOffset();
  const { step, ticks } = timeTicks(timeline, scale, TICK_PX, offset);
  const x = (at: number): number => (at - timeline.start) * scale;
  const placed = flags(timeline.moments.map(({ at }) => x(at)), width);
  const top = Math.max(1, ...placed.map(({ lane }) => lane + 1)) * FLAG_LINE_PX;
  return (
    <div className="lamp-axis">
      <div className="lamp-name" />
      <svg width={width} height={top + 20} aria-hidden="true" focusable="false">
        {timeline.moments.map((moment, index) => {
          const { left, lane } = placed[index] ?? { left: false, lane: 0 };
          return (
            <text
              key={index}
              className={`lamp-flag lamp-flag-${moment.what}`}
              x={x(moment.at) + (left ? -4 : 4)}
              y={lane * FLAG_LINE_PX + 12}
              textAnchor={left ? "end" : "start"}
            >
              {t(`signal.timeline.moment.${moment.what}`)} {timeOf(timeline, moment.at, language)}
            </text>
          );
        })}
        {ticks
          .filter(({ at }) => at >= from && at <= to && x(at) < width - 24)
          .map(({ at, moment }) => (
            <g key={at}>
              <line className="lamp-tick" x1={x(at)} x2={x(at)} y1={top + 14} y2={top + 20} />
              <text className="lamp-time" x={x(at) + 3} y={top + 13}>
                {formatClock(moment, language, step < 60)}
              </text>
            </g>
          ))}
      </svg>
    </div>
  );
}

/** What the reader points at, in words. */
function Readout({ timeline, cursor }: { timeline: LampTimeline; cursor: Cursor | null }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const head = timeline.heads.find(({ id }) => id === cursor?.head);
  const span = head === undefined || cursor === null ? undefined : head.spans[spanAt(head.spans, cursor.t)];
  return (
    <p className="lamp-readout" data-testid="lamp-readout">
      {head === undefined || span === undefined ? (
        <span className="faint">{t("signal.timeline.hint")}</span>
      ) : (
        <>
          <strong>{headName(head)}</strong> {spanText(timeline, head, span, t, language)}
        </>
      )}
    </p>
  );
}

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { discardDeadLetter, listDeadLetters, replayDeadLetter } from "../api/calls";
import type { DeadLetter } from "../api/types";
import { showToast } from "../app/toasts";
import { useLanguage } from "../i18n";
import { formatMoment } from "../lib/time";
import { useNow } from "../lib/useNow";
import { Loaded } from "./Loaded";

const KEY = ["dead-letters"] as const;

export function DeadLettersView(): ReactNode {
  const { t } = useTranslation();
  const query = useQuery({ queryKey: KEY, queryFn: listDeadLetters, staleTime: 0 });
  return (
    <Loaded query={query}>
      {({ dead_letters: letters }) =>
        letters.length === 0 ? (
          <p className="empty faint">{t("admin.deadLetters.empty")}</p>
        ) : (
          <ul className="letters" data-testid="dead-letters">
            {letters.map((letter) => (
              <Letter key={letter.id} letter={letter} />
            ))}
          </ul>
        )
      }
    </Loaded>
  );
}

function pretty(content: string | null): string {
  if (content === null) return "";
  try {
    return JSON.stringify(JSON.parse(content), null, 2);
  } catch {
    return content;
  }
}

/** The edited text as an event, or why it is none. */
function parseEvent(text: string): { event: Record<string, unknown> } | { reason: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { event: value as Record<string, unknown> };
    return { reason: "{ … }" };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
  }
}

function Letter({ letter }: { letter: DeadLetter }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const now = useNow();
  const { problem } = letter;
  return (
    <li className="letter" data-state={letter.state}>
      <div className="letter-head">
        <time dateTime={letter.received_at}>{formatMoment(letter.received_at, language, now)}</time>
        <code>{letter.device_id}</code>
        {letter.state === "open" ? null : (
          <span className="badge">
            {t(`admin.deadLetters.${letter.state}`)}
            {letter.settled_by === null ? "" : ` · ${letter.settled_by}`}
          </span>
        )}
      </div>
      <p className="letter-problem">
        <strong>
          {problem.status} {problem.title}
        </strong>
        {problem.field == null ? null : <code>{problem.field}</code>} {problem.detail}
      </p>
      {letter.content === null ? null : <LetterContent letter={letter} content={letter.content} />}
    </li>
  );
}

function LetterContent({ letter, content }: { letter: DeadLetter; content: string }): ReactNode {
  const { t } = useTranslation();
  const client = useQueryClient();
  const original = pretty(content);
  const [text, setText] = useState(original);
  const [problem, setProblem] = useState<string | null>(null);
  const settled = (): void => void client.invalidateQueries({ queryKey: KEY });
  const replay = useMutation({
    mutationFn: (event: Record<string, unknown> | null) => replayDeadLetter(letter.id, event),
    onSuccess: () => {
      showToast("good", t("admin.deadLetters.replayed"));
      settled();
    },
    onError: (error) => setProblem(t("admin.deadLetters.stillBad", { reason: error.message })),
  });
  const discard = useMutation({ mutationFn: () => discardDeadLetter(letter.id), onSuccess: settled });

  const send = (): void => {
    setProblem(null);
    if (text === original) {
      replay.mutate(null);
      return;
    }
    const parsed = parseEvent(text);
    if ("reason" in parsed) setProblem(t("admin.deadLetters.notJson", { reason: parsed.reason }));
    else replay.mutate(parsed.event);
  };

  const open = letter.state === "open";
  return (
    <details>
      <summary>{t(open ? "admin.deadLetters.edit" : "admin.deadLetters.content")}</summary>
      <textarea
        className="input letter-text"
        rows={Math.min(22, text.split("\n").length + 1)}
        spellCheck={false}
        readOnly={!open}
        aria-label={t("admin.deadLetters.content")}
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      {problem === null ? null : (
        <p className="notice notice-bad" role="alert">
          {problem}
        </p>
      )}
      {open ? (
        <div className="letter-actions">
          <button type="button" className="button button-primary" disabled={replay.isPending} onClick={send}>
            {t("admin.deadLetters.replay")}
          </button>
          <button
            type="button"
            className="button button-danger"
            disabled={discard.isPending}
            onClick={() => {
              if (window.confirm(t("admin.deadLetters.confirmDiscard"))) discard.mutate();
            }}
          >
            {t("admin.deadLetters.discard")}
          </button>
        </div>
      ) : null}
    </details>
  );
}

import { useEffect, useRef, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { REJECT_REASONS, type RejectReason } from "../api/types";

export interface RejectDraft {
  reason: RejectReason | null;
  comment: string;
  problem: "chooseReason" | "needComment" | null;
}

export const EMPTY_DRAFT: RejectDraft = { reason: null, comment: "", problem: null };

/** What still keeps a rejection from being sent. */
export function draftProblem(draft: RejectDraft): RejectDraft["problem"] {
  if (draft.reason === null) return "chooseReason";
  return draft.reason === "other" && draft.comment.trim() === "" ? "needComment" : null;
}

interface RejectPanelProps {
  draft: RejectDraft;
  busy: boolean;
  onDraft: (draft: RejectDraft | null) => void;
  onSubmit: () => void;
}

export function RejectPanel({ draft, busy, onDraft, onSubmit }: RejectPanelProps): ReactNode {
  const { t } = useTranslation();
  const comment = useRef<HTMLInputElement>(null);
  const isOther = draft.reason === "other";
  useEffect(() => {
    if (isOther) comment.current?.focus();
  }, [isOther]);

  return (
    <form
      className="reject-panel"
      data-testid="reject-panel"
      onSubmit={(event) => {
        event.preventDefault();
        onSubmit();
      }}
    >
      <fieldset className="reasons">
        <legend>{t("verdict.reasons")}</legend>
        {REJECT_REASONS.map((reason, index) => (
          <label key={reason} className={draft.reason === reason ? "reason reason-chosen" : "reason"}>
            <input
              type="radio"
              name="reason"
              value={reason}
              checked={draft.reason === reason}
              data-testid={`reason-${reason}`}
              onChange={() => onDraft({ ...draft, reason, problem: null })}
            />
            <kbd aria-hidden="true">{index + 1}</kbd>
            <span>{t(`verdict.reason.${reason}`)}</span>
          </label>
        ))}
      </fieldset>
      <div className="reject-row">
        <input
          ref={comment}
          className="input"
          data-testid="reject-comment"
          data-submits="true"
          aria-label={t(isOther ? "verdict.commentRequired" : "verdict.comment")}
          placeholder={t(isOther ? "verdict.commentRequired" : "verdict.comment")}
          maxLength={500}
          value={draft.comment}
          onChange={(event) => onDraft({ ...draft, comment: event.target.value, problem: null })}
        />
        <button type="button" className="button" onClick={() => onDraft(null)}>
          {t("common.cancel")} <kbd aria-hidden="true">Esc</kbd>
        </button>
        <button type="submit" className="button button-danger" data-testid="reject-submit" disabled={busy}>
          {t("verdict.submitReject")} <kbd aria-hidden="true">↵</kbd>
        </button>
      </div>
      {draft.problem === null ? null : (
        <p className="notice notice-bad" role="alert">
          {t(`verdict.${draft.problem}`)}
        </p>
      )}
    </form>
  );
}

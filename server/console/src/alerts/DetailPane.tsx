import { forwardRef, useEffect, useImperativeHandle, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { isStatus } from "../api/problem";
import { REJECT_REASONS, type Account, type AlertDetail } from "../api/types";
import { showToast } from "../app/toasts";
import type { Command } from "../app/keyboard";
import { readStored, writeStored } from "../lib/stored";
import { EvidenceViewer } from "../evidence/EvidenceViewer";
import { usePlayer } from "../evidence/player";
import { arrivals } from "../live/arrivals";
import { draftProblem, EMPTY_DRAFT, type RejectDraft } from "../verdict/RejectPanel";
import { useClaim } from "../verdict/useClaim";
import { useVerdict, type Judgement } from "../verdict/useVerdict";
import { VerdictBar } from "../verdict/VerdictBar";
import { DetailHead } from "./DetailHead";
import { isOpen } from "./list";
import { useAlert } from "./useAlert";

/**
 * Verdict keys are deaf for a moment after an alert appears: the second half of a double press must not judge an alert
 * that nobody has seen.
 */
const ARM_MS = 600;
const OVERLAY_KEY = "gridsentry.overlay";

export interface DetailPaneProps {
  account: Account;
  id: string;
  position: { index: number; count: number } | null;
  rejecting: boolean;
  onRejecting: (rejecting: boolean) => void;
  onBack: () => void;
  onStep: (step: 1 | -1) => void;
  /** A verdict was committed: the place to move on from. */
  onJudged: (id: string) => void;
}

/** What the keyboard may ask of the pane; true if the key was used. */
export interface DetailCommands {
  run: (command: Command) => boolean;
}

export const DetailPane = forwardRef<DetailCommands, DetailPaneProps>(function DetailPane(props, ref): ReactNode {
  const { account, id, position, onBack, onStep } = props;
  const { t } = useTranslation();
  const query = useAlert(id);
  const alert = query.data;
  const videoRef = useRef<HTMLVideoElement>(null);
  const player = usePlayer(videoRef);
  const [overlay, setOverlay] = useState(() => readStored(OVERLAY_KEY) !== "off");
  const judging = useJudging(alert, props);

  useEffect(() => arrivals.look(id), [id]);

  const toggleOverlay = (): void => {
    writeStored(OVERLAY_KEY, overlay ? "off" : "on");
    setOverlay(!overlay);
  };

  useImperativeHandle(ref, () => ({
    run: (command) => {
      if (command === "overlay") toggleOverlay();
      else if (command === "play") player.toggle();
      else if (command === "step-back") player.step(-1);
      else if (command === "step-forward") player.step(1);
      else return judging.run(command);
      return true;
    },
  }));

  if (alert === undefined) {
    if (!query.isError) return <div className="detail-waiting" role="status" aria-label={t("common.loading")} />;
    return (
      <div className="empty" role="alert">
        <p>{t(isStatus(query.error, 404, 403) ? "detail.gone" : "detail.failed")}</p>
        <button type="button" className="button" onClick={() => void query.refetch()}>
          {t("common.retry")}
        </button>
        <button type="button" className="button" onClick={onBack}>
          {t("common.back")}
        </button>
      </div>
    );
  }

  return (
    <article className="detail" data-testid="detail" data-alert-id={alert.id} data-state={alert.state}>
      <DetailHead alert={alert} position={position} onBack={onBack} onStep={onStep} />
      <EvidenceViewer alert={alert} videoRef={videoRef} player={player} overlay={overlay} onOverlay={toggleOverlay} />
      <VerdictBar
        alert={alert}
        account={account}
        busy={judging.busy}
        draft={props.rejecting ? judging.draft : null}
        onDraft={judging.setDraft}
        onConfirm={() => judging.send({ verdict: "confirmed" })}
        onUnsure={() => judging.send({ verdict: "unsure" })}
        onReject={() => judging.openReject()}
        onSubmitReject={() => judging.submitReject()}
      />
    </article>
  );
});

interface Judging {
  busy: boolean;
  draft: RejectDraft;
  setDraft: (draft: RejectDraft | null) => void;
  send: (judgement: Judgement) => void;
  openReject: () => void;
  submitReject: () => void;
  run: (command: Command) => boolean;
}

/** The way from a key or a button to a verdict, and the draft of a rejection on the way. */
function useJudging(alert: AlertDetail | undefined, props: DetailPaneProps): Judging {
  const { t } = useTranslation();
  const { account, onRejecting, onJudged } = props;
  const { busy, judge } = useVerdict(account);
  const { claimNow, settled } = useClaim(alert, account);
  const [draft, setDraft] = useState<RejectDraft>(EMPTY_DRAFT);
  const [armedAt] = useState(() => performance.now() + ARM_MS);

  const send = (judgement: Judgement): void => {
    if (alert === undefined || busy || !isOpen(alert)) return;
    void settled()
      .then(() => judge(alert.id, judgement))
      .then((done) => {
        if (!done) return;
        onRejecting(false);
        onJudged(alert.id);
      });
  };
  const openReject = (): void => {
    if (alert === undefined || !isOpen(alert)) return;
    setDraft(EMPTY_DRAFT);
    onRejecting(!props.rejecting);
    claimNow();
  };
  const submitReject = (): void => {
    const problem = draftProblem(draft);
    if (problem !== null) {
      setDraft({ ...draft, problem });
      return;
    }
    const comment = draft.comment.trim();
    send({
      verdict: "rejected",
      ...(draft.reason === null ? {} : { reason: draft.reason }),
      ...(comment === "" ? {} : { comment }),
    });
  };
  const judgeByKey = (command: Command): boolean => {
    if (alert === undefined || performance.now() < armedAt) return true;
    if (command === "confirm") send({ verdict: "confirmed" });
    else if (command === "unsure") send({ verdict: "unsure" });
    else openReject();
    return true;
  };

  return {
    busy,
    draft,
    setDraft: (next) => {
      if (next === null) onRejecting(false);
      else setDraft(next);
    },
    send,
    openReject,
    submitReject,
    run: (command) => {
      if (command === "confirm" || command === "reject" || command === "unsure") {
        if (alert !== undefined && !isOpen(alert)) {
          showToast("info", t("verdict.closed", { state: t(`state.${alert.state}`), name: alert.verdict?.by ?? "" }));
        }
        return judgeByKey(command);
      }
      if (command === "submit" && props.rejecting) submitReject();
      else if (command.startsWith("reason-")) {
        const reason = REJECT_REASONS[Number(command.slice(-1)) - 1];
        if (reason !== undefined) setDraft({ ...draft, reason, problem: null });
      } else return false;
      return true;
    },
  };
}

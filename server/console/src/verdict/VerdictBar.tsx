import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Account, AlertDetail } from "../api/types";
import { isOpen } from "../alerts/list";
import { Icon, type IconName } from "../app/Icon";
import { formatCountdown } from "../lib/time";
import { useNow } from "../lib/useNow";
import { RejectPanel, type RejectDraft } from "./RejectPanel";
import { holderOf } from "./useClaim";

export interface VerdictBarProps {
  alert: AlertDetail;
  account: Account;
  busy: boolean;
  /** The open reasons, or null while they are closed. */
  draft: RejectDraft | null;
  onDraft: (draft: RejectDraft | null) => void;
  onConfirm: () => void;
  onUnsure: () => void;
  onReject: () => void;
  onSubmitReject: () => void;
}

export function VerdictBar(props: VerdictBarProps): ReactNode {
  const { t } = useTranslation();
  const { alert, account, busy, draft } = props;
  const now = useNow();
  if (!isOpen(alert)) return <ClosedBar alert={alert} />;
  const blocked = busy || holderOf(alert, account, now) === "other";
  return (
    <section className="verdict-bar" aria-label={t("verdict.label")}>
      {draft === null ? null : (
        <RejectPanel draft={draft} busy={blocked} onDraft={props.onDraft} onSubmit={props.onSubmitReject} />
      )}
      <ClaimLine alert={alert} account={account} now={now} />
      <div className="verdict-buttons">
        <VerdictButton name="confirm" icon="check" keyHint="C" disabled={blocked} onPress={props.onConfirm} />
        <VerdictButton
          name="reject"
          icon="close"
          keyHint="R"
          disabled={blocked}
          expanded={draft !== null}
          onPress={props.onReject}
        />
        <VerdictButton name="unsure" icon="question" keyHint="U" disabled={blocked} onPress={props.onUnsure} />
      </div>
    </section>
  );
}

interface VerdictButtonProps {
  name: "confirm" | "reject" | "unsure";
  icon: IconName;
  keyHint: string;
  disabled: boolean;
  expanded?: boolean;
  onPress: () => void;
}

function VerdictButton({ name, icon, keyHint, disabled, expanded, onPress }: VerdictButtonProps): ReactNode {
  const { t } = useTranslation();
  return (
    <button
      type="button"
      className={`verdict-button verdict-${name}`}
      data-testid={`verdict-${name}`}
      aria-keyshortcuts={keyHint}
      {...(expanded === undefined ? {} : { "aria-expanded": expanded })}
      disabled={disabled}
      onClick={onPress}
    >
      <Icon name={icon} size={20} />
      <span>{t(`verdict.${name}`)}</span>
      <kbd aria-hidden="true">{keyHint}</kbd>
    </button>
  );
}

function ClaimLine({ alert, account, now }: { alert: AlertDetail; account: Account; now: number }): ReactNode {
  const { t } = useTranslation();
  const holder = holderOf(alert, account, now);
  const left = alert.claim_expires_at === null ? 0 : (Date.parse(alert.claim_expires_at) - now) / 1000;
  const time = formatCountdown(left);
  if (holder === "nobody") return null;
  return (
    <p className={`claim-line claim-${holder}`} data-testid="claim" data-holder={holder}>
      <span className="claim-dot" aria-hidden="true" />
      {holder === "me"
        ? t("verdict.yours", { time })
        : t("verdict.theirs", { name: alert.claimed_by ?? t("common.unknown"), time })}
    </p>
  );
}

function ClosedBar({ alert }: { alert: AlertDetail }): ReactNode {
  const { t } = useTranslation();
  const verdict = alert.verdict;
  const name = verdict?.by ?? "";
  return (
    <section className="verdict-bar verdict-closed" aria-label={t("verdict.label")} data-testid="verdict-closed">
      <span className={`state-pill state-${alert.state}`}>
        {name === "" ? t(`state.${alert.state}`) : t("verdict.closed", { state: t(`state.${alert.state}`), name })}
      </span>
      {verdict?.reason == null ? null : <span>{t(`verdict.reason.${verdict.reason}`)}</span>}
      {verdict?.comment ? <q className="verdict-comment">{verdict.comment}</q> : null}
    </section>
  );
}

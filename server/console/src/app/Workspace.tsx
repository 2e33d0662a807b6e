import { useQuery } from "@tanstack/react-query";
import { useMemo, useRef, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { listQueues } from "../api/calls";
import type { Account, AlertSummary } from "../api/types";
import { isReal } from "../alerts/drill";
import { AlertList, type ListChoices } from "../alerts/AlertList";
import { DetailPane, type DetailCommands } from "../alerts/DetailPane";
import { Facts } from "../alerts/Facts";
import { History } from "../alerts/History";
import { neighbour, nextToJudge } from "../alerts/list";
import { hazardName, queueName } from "../alerts/text";
import { useAlert } from "../alerts/useAlert";
import { useAlerts } from "../alerts/useAlerts";
import { WhyHere } from "../alerts/WhyHere";
import { useLanguage } from "../i18n";
import { serverNow } from "../lib/clock";
import type { Language } from "../lib/time";
import { QUEUES_KEY } from "../live/useLive";
import { MapPane } from "../map/MapPane";
import type { Command } from "./keyboard";
import { useOpenCountInTitle } from "./useOpenCountInTitle";
import { useRoute } from "./route";
import { useKeyboard } from "./useKeyboard";

interface WorkspaceProps {
  account: Account;
  /** A dialog is open: keys belong to it. */
  covered: boolean;
  onCommand: (command: Command) => boolean;
}

export function Workspace({ account, covered, onCommand }: WorkspaceProps): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const [route, navigate] = useRoute();
  const [choices, setChoices] = useState<ListChoices>({ openness: "open", queue: null, text: "" });
  const [rejecting, setRejecting] = useState(false);
  const filterInputRef = useRef<HTMLInputElement>(null);
  const detail = useRef<DetailCommands>(null);

  const queues = useQuery({ queryKey: QUEUES_KEY, queryFn: listQueues }).data?.queues ?? NO_QUEUES;
  const view = useAlerts(choices.openness, choices.queue, queues);
  // Whatever is shown, every open alert of the area is followed: for the title, and for the sound of new ones.
  const everything = useAlerts("open", null, queues);
  useOpenCountInTitle(everything.alerts.filter(isReal).length, everything.hasMore);
  const shown = useMemo(() => filtered(view.alerts, choices.text, language), [view.alerts, choices.text, language]);
  const selected = route.page === "alerts" ? route.alert : null;
  const selectedAlert = useAlert(selected).data;
  const index = shown.findIndex(({ id }) => id === selected);

  const select = (id: string | null): void => {
    setRejecting(false);
    // From alert to alert the entry is replaced: "back" leads to the list, not through fifty alerts.
    navigate({ page: "alerts", alert: id }, selected === null ? "push" : "replace");
  };
  const step = (by: 1 | -1): void => select(neighbour(shown, selected, by));

  const handle = (command: Command): boolean => {
    switch (command) {
      case "next":
        step(1);
        return true;
      case "previous":
        step(-1);
        return true;
      case "filter":
        filterInputRef.current?.focus();
        return true;
      case "close":
        return close(rejecting, () => setRejecting(false), () => select(null));
      default:
        return detail.current?.run(command) === true || onCommand(command);
    }
  };
  useKeyboard(covered ? "dialog" : rejecting ? "reject" : "normal", (command) =>
    covered ? onCommand(command) : handle(command),
  );

  // A drill has its pin only while somebody looks at it: who passes by must not take it for real.
  const mapAlerts = useMemo(
    () =>
      selectedAlert === undefined || view.alerts.some((alert) => alert.id === selectedAlert.id && isReal(alert))
        ? view.alerts.filter(isReal)
        : [...view.alerts.filter(isReal), selectedAlert],
    [selectedAlert, view.alerts],
  );

  return (
    <main className={selected === null ? "workspace showing-list" : "workspace showing-detail"}>
      <h1 className="visually-hidden">{t("top.alerts")}</h1>
      <AlertList
        account={account}
        queues={queues}
        view={view}
        shown={shown}
        choices={choices}
        filterInputRef={filterInputRef}
        selected={selected}
        onChoices={setChoices}
        onSelect={select}
      />
      <div className="centre">
        {selected === null ? null : (
          <DetailPane
            key={selected}
            ref={detail}
            account={account}
            id={selected}
            position={index < 0 ? null : { index: index + 1, count: shown.length }}
            rejecting={rejecting}
            onRejecting={setRejecting}
            onBack={() => select(null)}
            onStep={step}
            onJudged={(id) => select(nextToJudge(shown, id, account.display_name, serverNow()))}
          />
        )}
      </div>
      <aside className="side">
        <MapPane alerts={mapAlerts} selected={selected} queue={choices.queue} onSelect={select} />
        {selected === null ? <ChooseHint count={shown.length} /> : null}
        {selectedAlert === undefined ? null : (
          <div className="side-scroll">
            <WhyHere alert={selectedAlert} />
            <Facts alert={selectedAlert} account={account} />
            <History alert={selectedAlert} />
          </div>
        )}
      </aside>
    </main>
  );
}

const NO_QUEUES: readonly [] = [];

function ChooseHint({ count }: { count: number }): ReactNode {
  const { t } = useTranslation();
  if (count === 0) return null;
  return (
    <p className="choose-hint">
      <strong>{t("detail.nothing")}</strong>
      <span className="faint">{t("detail.nothingHint")}</span>
    </p>
  );
}

/** Escape leaves the innermost thing first: a field, then the reasons, then the alert. */
function close(rejecting: boolean, closeReject: () => void, closeAlert: () => void): boolean {
  const focused = document.activeElement;
  if (rejecting) closeReject();
  else if (focused instanceof HTMLInputElement || focused instanceof HTMLSelectElement) focused.blur();
  else closeAlert();
  return true;
}

function filtered(alerts: AlertSummary[], text: string, language: Language): AlertSummary[] {
  const words = text.toLowerCase().split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) return alerts;
  return alerts.filter((alert) => {
    const haystack = [hazardName(alert, language), alert.hazard, queueName(alert, language), alert.queue, alert.source_name, alert.source_id]
      .join(" ")
      .toLowerCase();
    return words.every((word) => haystack.includes(word));
  });
}

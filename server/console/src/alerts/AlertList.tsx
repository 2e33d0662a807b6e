import { useEffect, useRef, type ReactNode, type RefObject } from "react";
import { useTranslation } from "react-i18next";

import type { Account, AlertSummary, Queue } from "../api/types";
import { Icon } from "../app/Icon";
import { useFreshAlerts } from "../live/arrivals";
import { isReal } from "./drill";
import { AlertItem } from "./AlertItem";
import type { Openness } from "./list";
import { QueuePicker } from "./QueuePicker";
import type { AlertsView } from "./useAlerts";

export interface ListChoices {
  openness: Openness;
  queue: string | null;
  text: string;
}

interface AlertListProps {
  account: Account;
  queues: readonly Queue[];
  view: AlertsView;
  /** What the text filter leaves of the view's alerts. */
  shown: readonly AlertSummary[];
  choices: ListChoices;
  filterInputRef: RefObject<HTMLInputElement | null>;
  selected: string | null;
  onChoices: (choices: ListChoices) => void;
  onSelect: (id: string) => void;
}

export function AlertList({
  account,
  queues,
  view,
  shown,
  choices,
  filterInputRef,
  selected,
  onChoices,
  onSelect,
}: AlertListProps): ReactNode {
  const { t } = useTranslation();
  const fresh = useFreshAlerts();
  const list = useRef<HTMLUListElement>(null);

  useEffect(() => {
    list.current?.querySelector("[aria-current=true]")?.scrollIntoView({ block: "nearest" });
  }, [selected]);

  return (
    <section className="list-pane" aria-label={t("list.label")}>
      <div className="list-head">
        <QueuePicker queues={queues} value={choices.queue} onChange={(queue) => onChoices({ ...choices, queue })} />
        <div className="list-tools">
          <div className="segments" role="group" aria-label={t("list.label")}>
            {(["open", "closed"] as const).map((openness) => (
              <button
                key={openness}
                type="button"
                className="segment"
                data-testid={`show-${openness}`}
                aria-pressed={choices.openness === openness}
                onClick={() => onChoices({ ...choices, openness })}
              >
                {t(`list.${openness}`)}
                {openness === "open" && choices.openness === "open" ? (
                  <span className="count">
                    {view.alerts.filter(isReal).length}
                    {view.hasMore ? "+" : ""}
                  </span>
                ) : null}
              </button>
            ))}
          </div>
          <label className="filter">
            <Icon name="search" size={15} />
            <input
              ref={filterInputRef}
              type="search"
              data-testid="filter"
              aria-label={t("list.filter")}
              placeholder={t("list.filterHint")}
              value={choices.text}
              onChange={(event) => onChoices({ ...choices, text: event.target.value })}
            />
          </label>
        </div>
      </div>
      <div className="list-scroll">
        <ul ref={list} className="alert-list" data-testid="alert-list" aria-label={t("list.label")}>
          {shown.map((alert) => (
            <AlertItem
              key={alert.id}
              alert={alert}
              selected={alert.id === selected}
              fresh={fresh.has(alert.id)}
              me={account.display_name}
              onSelect={onSelect}
            />
          ))}
        </ul>
        <ListFoot view={view} shown={shown.length} choices={choices} />
      </div>
    </section>
  );
}

function ListFoot({ view, shown, choices }: { view: AlertsView; shown: number; choices: ListChoices }): ReactNode {
  const { t } = useTranslation();
  if (view.failed) {
    return (
      <div className="empty" role="alert">
        <p>{t("list.failed")}</p>
        <button type="button" className="button" onClick={view.retry}>
          {t("common.retry")}
        </button>
      </div>
    );
  }
  if (view.loading) return <ListSkeleton />;
  if (view.hasMore) {
    return (
      <button type="button" className="button button-wide" onClick={() => void view.loadMore()}>
        {t("common.loadMore")}
      </button>
    );
  }
  if (shown > 0) return null;
  const filtered = choices.text !== "";
  return (
    <div className="empty" data-testid="list-empty">
      <p>{t(filtered ? "list.emptyFilter" : choices.openness === "open" ? "list.emptyOpen" : "list.emptyClosed")}</p>
      {filtered || choices.openness === "closed" ? null : <p className="faint">{t("list.emptyOpenHint")}</p>}
    </div>
  );
}

function ListSkeleton(): ReactNode {
  const { t } = useTranslation();
  return (
    <div className="skeletons" role="status" aria-label={t("common.loading")}>
      {[0, 1, 2, 3, 4].map((row) => (
        <div key={row} className="skeleton" />
      ))}
    </div>
  );
}

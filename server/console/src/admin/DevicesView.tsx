import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import { listDevices, listSources } from "../api/calls";
import type { Device, Source } from "../api/types";
import { useLanguage } from "../i18n";
import { formatAge, secondsSince } from "../lib/time";
import { useNow } from "../lib/useNow";
import { Loaded } from "./Loaded";

const REFRESH_MS = 10_000;

export function DevicesView(): ReactNode {
  const { t } = useTranslation();
  const devices = useQuery({ queryKey: ["devices"], queryFn: listDevices, refetchInterval: REFRESH_MS });
  const sources = useQuery({ queryKey: ["sources"], queryFn: listSources, refetchInterval: REFRESH_MS });
  return (
    <Loaded query={devices}>
      {(list) =>
        list.length === 0 ? (
          <p className="empty faint">{t("admin.devices.empty")}</p>
        ) : (
          <div className="devices">
            {list.map((device) => (
              <DeviceCard
                key={device.id}
                device={device}
                sources={(sources.data ?? []).filter((source) => source.device_id === device.id)}
              />
            ))}
          </div>
        )
      }
    </Loaded>
  );
}

function DeviceCard({ device, sources }: { device: Device; sources: Source[] }): ReactNode {
  const { t } = useTranslation();
  return (
    <section className="device" aria-label={device.name || device.id} data-testid="device">
      <header>
        <h2>{device.name || device.id}</h2>
        <code>{device.id}</code>
        {device.revoked_at === null ? null : <span className="badge badge-bad">{t("admin.devices.revoked")}</span>}
      </header>
      <dl className="device-facts">
        <div>
          <dt>{t("admin.devices.lastSeen")}</dt>
          <dd>
            <Ago iso={device.last_seen_at} />
          </dd>
        </div>
        <div>
          <dt>{t("admin.devices.chain")}</dt>
          <dd>
            <Chain device={device} />
          </dd>
        </div>
      </dl>
      <table className="table">
        <thead>
          <tr>
            <th>{t("admin.devices.sources")}</th>
            <th>{t("admin.devices.sourceState")}</th>
            <th>{t("admin.devices.sight")}</th>
            <th>{t("admin.devices.lastSeen")}</th>
          </tr>
        </thead>
        <tbody>
          {sources.map((source) => (
            <tr key={source.id}>
              <td>
                {source.name || source.id} <code>{source.id}</code>
              </td>
              <td>
                <Health source={source} />
              </td>
              <td className="nowrap">
                <Sight source={source} />
              </td>
              <td className="nowrap">
                <Ago iso={source.last_seen_at} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Ago({ iso }: { iso: string | null }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const now = useNow();
  if (iso === null) return t("admin.devices.never");
  return <time dateTime={iso}>{t("list.age", { age: formatAge(secondsSince(iso, now), language) })}</time>;
}

function Health({ source }: { source: Source }): ReactNode {
  const { t } = useTranslation();
  if (source.health_state === null) return <span className="faint">{t("common.unknown")}</span>;
  const detail = source.health_detail;
  const conditions = detail === null || detail.conditions.length === 0 ? [source.health_state] : detail.conditions;
  const named = conditions.map((condition) => t(`admin.devices.conditions.${condition as "offline"}`, { defaultValue: condition }));
  return (
    <>
      {source.health_state === "online" ? (
        <span className="good">● {t("admin.devices.online")}</span>
      ) : (
        <span className="bad" title={source.health_reason ?? ""}>
          ▲ {named.join(" · ")}
        </span>
      )}
      <Unwatched source={source} />
    </>
  );
}

/** The share of the time that the source was watched in which it could see. */
function Sight({ source }: { source: Source }): ReactNode {
  const [language] = useLanguage();
  const sight = source.health_detail?.sight ?? null;
  const watched = sight === null ? 0 : sight.sight_seconds + sight.blind_seconds + sight.unknown_seconds;
  if (sight === null || watched === 0) return <span className="faint">–</span>;
  const share = new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 });
  return share.format(sight.sight_seconds / watched);
}

/** What nobody looks for must not read as health. */
function Unwatched({ source }: { source: Source }): ReactNode {
  const { t } = useTranslation();
  return Object.entries(source.health_detail?.unwatched ?? {}).map(([condition, reason]) => (
    <div key={condition} className="faint">
      {t("admin.devices.unwatched", {
        condition: t(`admin.devices.conditions.${condition as "offline"}`, { defaultValue: condition }),
        reason,
      })}
    </div>
  ));
}

function Chain({ device }: { device: Device }): ReactNode {
  const { t } = useTranslation();
  const chain = device.chain;
  if (chain === null) return <span className="faint">{t("admin.devices.chainUnknown")}</span>;
  if (chain.problem !== null) {
    return (
      <span className="bad">
        ▲ {t("admin.devices.chainBroken")}: #{chain.problem.seq} {chain.problem.message}
      </span>
    );
  }
  return (
    <span className="good">
      ● {t("admin.devices.chainOk", { signed: chain.verified_seq, linked: chain.linked_seq })}
    </span>
  );
}

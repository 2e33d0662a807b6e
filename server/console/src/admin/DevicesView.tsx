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
            <th>{t("admin.devices.lastSeen")}</th>
          </tr>
        </thead>
        <tbody>
          {sources.map((source) => (
            <tr key={source.id}>
              <td>
                {source.name || source.id} <code>{source.id}</code>
              </td>
              <td className="nowrap">
                <Health source={source} />
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
  if (source.health_state === "online") return <span className="good">● {t("admin.devices.online")}</span>;
  return (
    <span className="bad">
      ▲ {source.health_state} {source.health_reason}
    </span>
  );
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

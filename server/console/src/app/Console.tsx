import { useEffect, useState, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Account, AlertSummary } from "../api/types";
import { isReal } from "../alerts/drill";
import { hazardName, queueName } from "../alerts/text";
import { AdminPage } from "../admin/AdminPage";
import { useLanguage } from "../i18n";
import { formatAge } from "../lib/time";
import { useNow } from "../lib/useNow";
import { chime, unlockAudio } from "../live/chime";
import { LiveContext, useLiveStatus } from "../live/LiveContext";
import { useLive } from "../live/useLive";
import { HelpDialog } from "./HelpDialog";
import type { Command } from "./keyboard";
import { useMuted } from "./preferences";
import { useRoute } from "./route";
import { TopBar } from "./TopBar";
import { Workspace } from "./Workspace";

/** Everything behind the sign-in. */
export function Console({ account }: { account: Account }): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const [route] = useRoute();
  const [help, setHelp] = useState(false);
  const [muted, setMuted] = useMuted();
  const [announcement, setAnnouncement] = useState("");

  const onArrivals = (alerts: AlertSummary[]): void => {
    const [first] = alerts.filter(isReal);
    if (first === undefined) return;
    const name = `${t(`severity.${first.severity}`)}, ${hazardName(first, language)}, ${queueName(first, language)}`;
    setAnnouncement(t("live.announce", { count: alerts.filter(isReal).length, first: name }));
    // A review is worth a look and never wakes anybody; nor does a drill.
    const alarms = alerts.filter((alert) => alert.tier === "alarm" && isReal(alert));
    if (muted || alarms.length === 0) return;
    void chime(alarms.some(({ severity }) => severity === "red") ? "red" : "yellow");
  };
  const hub = useLive(account, onArrivals);
  useUnlockByGesture();

  const onCommand = (command: Command): boolean => {
    if (command === "help") setHelp(true);
    else if (command === "mute") setMuted(!muted);
    else if (command === "close" && help) setHelp(false);
    else return false;
    return true;
  };

  return (
    <LiveContext value={hub}>
      <div className="console">
        <TopBar account={account} onHelp={() => setHelp(true)} />
        <StaleBanner />
        {route.page === "alerts" ? (
          <Workspace account={account} covered={help} onCommand={onCommand} />
        ) : (
          <AdminPage route={route} account={account} />
        )}
      </div>
      <div className="visually-hidden" aria-live="assertive" data-testid="announcement">
        {announcement}
      </div>
      {help ? <HelpDialog onClose={() => setHelp(false)} /> : null}
    </LiveContext>
  );
}

/** A reconnection of a few seconds is no news; longer than that, nobody may take the list for the present. */
const STALE_AFTER_S = 5;

function StaleBanner(): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const { state, since } = useLiveStatus();
  const now = useNow();
  const seconds = (now - since) / 1000;
  if (state !== "reconnecting" || seconds < STALE_AFTER_S) return null;
  return (
    <div className="stale-banner" role="alert" data-testid="stale-banner">
      {t("live.banner", { age: formatAge(seconds, language) })}
    </div>
  );
}

/** Browsers give sound only after a gesture; any will do. */
function useUnlockByGesture(): void {
  useEffect(() => {
    window.addEventListener("pointerdown", unlockAudio);
    window.addEventListener("keydown", unlockAudio);
    return () => {
      window.removeEventListener("pointerdown", unlockAudio);
      window.removeEventListener("keydown", unlockAudio);
    };
  }, []);
}

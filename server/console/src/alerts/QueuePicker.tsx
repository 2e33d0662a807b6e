import { useMemo, type ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { Queue } from "../api/types";
import { useLanguage } from "../i18n";
import type { Language } from "../lib/time";
import { totalsBelow, treeOrder } from "./queues";
import { placeName } from "./text";

interface QueuePickerProps {
  queues: readonly Queue[];
  value: string | null;
  onChange: (code: string | null) => void;
}

/** A native select: on a phone it is the phone's own picker, on a desk the keyboard finds a street by its letters. */
export function QueuePicker({ queues, value, onChange }: QueuePickerProps): ReactNode {
  const { t } = useTranslation();
  const [language] = useLanguage();
  const rows = useMemo(() => treeOrder(queues), [queues]);
  const totals = useMemo(() => totalsBelow(queues), [queues]);
  return (
    <select
      className="select"
      aria-label={t("queues.label")}
      data-testid="queue-picker"
      value={value ?? ""}
      onChange={(event) => onChange(event.target.value === "" ? null : event.target.value)}
    >
      <option value="">{t("queues.all")}</option>
      {rows.map(({ queue, depth }) => {
        const open = totals.get(queue.code) ?? queue.open;
        return (
          <option key={queue.code} value={queue.code}>
            {label(queue, depth, open, language)}
          </option>
        );
      })}
    </select>
  );
}

function label(queue: Queue, depth: number, open: number, language: Language): string {
  const indent = "\u2003".repeat(depth);
  const special = queue.layer === "special" ? "◇ " : "";
  return `${indent}${special}${placeName(queue, language)}${open > 0 ? ` · ${open}` : ""}`;
}

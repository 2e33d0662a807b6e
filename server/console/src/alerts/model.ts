import type { AlertDetail } from "../api/types";

type Episodes = AlertDetail["media_episodes"];
export type Model = NonNullable<NonNullable<Episodes[number]["producer"]>["model"]>;

/** The weights of the episode that was observed last among those that name any. */
export function newestModel(episodes: Episodes): Model | null {
  const newest = [...episodes]
    .filter(({ producer }) => producer?.model != null)
    .sort((a, b) => Date.parse(b.observed_at) - Date.parse(a.observed_at))[0];
  return newest?.producer?.model ?? null;
}

import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { useMemo } from "react";

import { listGrids } from "../api/calls";
import type { GridCollection } from "../api/types";
import { placeName } from "../alerts/text";
import type { Language } from "../lib/time";

/** Boundaries change with a new grid version, a few times a year. */
const FRESH_MS = 10 * 60_000;

export function useGrids(): UseQueryResult<GridCollection> {
  return useQuery({ queryKey: ["grids"], queryFn: listGrids, staleTime: FRESH_MS });
}

/** A grid's name by its code; the code itself while the grids are not there, or outside the area. */
export function useGridNames(language: Language): (code: string) => string {
  const { data } = useGrids();
  return useMemo(() => {
    const names = new Map(data?.features.map(({ properties }) => [properties.code, placeName(properties, language)]));
    return (code) => names.get(code) ?? code;
  }, [data, language]);
}

/** Pictures of the ground from survey flights, under the map. */
export const mosaic = {
  zh: {
    title: "航测影像",
    shown: "航测架次",
    none: "不显示，仅网格",
    compared: "对比影像",
    nothing: "不对比",
    fade: "由前期过渡到后期",
    share: "后期影像 {{percent}} %",
    go: "定位到影像",
    credit: "{{text}}，每像素 {{pixel}} 厘米",
  },
  en: {
    title: "Pictures from survey flights",
    shown: "Survey flight",
    none: "None: grids only",
    compared: "Compare with",
    nothing: "Nothing",
    fade: "From earlier to later",
    share: "{{percent}} % of the later picture",
    go: "Go there",
    credit: "{{text}}, {{pixel}} cm a pixel",
  },
};

import type { Machine } from "../../../src/settings/folders.ts";

export const linux: Machine = { platform: "linux", home: "/home/ada", env: {} };
export const mac: Machine = { platform: "darwin", home: "/Users/ada", env: {} };
export const windows: Machine = {
  platform: "win32",
  home: "C:\\Users\\ada",
  env: { APPDATA: "C:\\Users\\ada\\AppData\\Roaming" },
};

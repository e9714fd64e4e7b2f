"""Traditional Chinese strings of the window, converted from the Simplified ones by OpenCC and a glossary."""

from __future__ import annotations

import re
from functools import cache

from opencc import OpenCC

BEFORE = {
    # In Taiwan both would be 預設.
    "预设": "预设集",
    "查找": "寻找",
    "配置": "设置",
    "点击": "点选",
}
"""Words of the Simplified text that have another meaning or word for OpenCC."""
AFTER = {
    # A word that OpenCC found over the border of two.
    "箇中": "個中",
    "合並": "合併",
    "天后": "天後",
    "此係統": "此系統",
    "轉換隻": "轉換只",
    "是隻": "是只",
    "賬": "帳",
    "臺": "台",
    # Terms of computing that it keeps or takes for others.
    "視訊記憶體": "顯示記憶體",
    "佈局": "配置",
    "訪問令牌": "存取權杖",
    "令牌": "權杖",
    "訪問": "存取",
    "響應": "回應",
    "許可權": "權限",
    "許可證": "授權條款",
    "只讀": "唯讀",
    "重定向": "重新導向",
    "證書": "憑證",
    "倉庫": "儲存庫",
    "映象": "鏡像",
    "釋出": "發布",
    "解除安裝": "卸載",
    "畫素": "像素",
    "型別": "類型",
    "迴圈": "循環",
    "純文本": "純文字",
    "文本": "文字",
    "程式包": "套件",
    "軟體包": "套件",
    "驅動器": "磁碟機",
    "金鑰環": "鑰匙圈",
    "埠": "連接埠",
    "監聽": "接聽",
    "程序": "處理程序",
    "退出程式碼": "結束代碼",
    "程式碼 {result}": "代碼 {result}",
    "質量": "品質",
    "共享": "共用",
    "恢復自動": "改回自動",
    "恢復": "還原",
    "分割槽": "分類",
    "撤銷": "復原",
    "後台": "背景",
    "回車": " Enter 鍵",
    "退格鍵": "倒退鍵",
    "回收站": "垃圾桶",
    "歸檔": "封存",
    "置頂": "釘選",
    "摺疊": "收合",
    "托盤": "匣",
    "壓縮包": "壓縮檔",
    "搜索": "搜尋",
    "加載": "載入",
    "發送": "傳送",
    "儘可能": "盡可能",
    "本地網路": "區域網路",
    "本地": "本機",
    "閾值": "臨界值",
    "協議": "協定",
    "地址": "位址",
    "聯網搜尋": "網路搜尋",
    "聯網": "連網",
    "命令": "指令",
    "指令列": "命令列",
    "自定義": "自訂",
    "生成": "產生",
    "當前": "目前",
    "新建": "新增",
    "可選項": "選項",
    "（可選）": "（選填）",
    "列表": "清單",
    "資料資料夾": "資料存放位置",
    "引數": "參數",
    "流水線並行": "管線平行",
    "簡體中文": "繁體中文",
    "zh-CN": "zh-TW",
    "“": "「",
    "”": "」",
}
"""Corrections of the converted text, for Taiwan, in this order."""
BY_MEANS_OF = re.compile("通過(?!校驗)")
DRIVER = re.compile("驅動(?!程式)")


@cache
def _converter() -> OpenCC:
    return OpenCC("s2twp")


def traditional(text: str) -> str:
    """Return a Simplified Chinese text in the characters and words of Taiwan."""
    for word, other in BEFORE.items():
        text = text.replace(word, other)
    text = _converter().convert(text)
    for word, other in AFTER.items():
        text = text.replace(word, other)
    return DRIVER.sub("驅動程式", BY_MEANS_OF.sub("透過", text))

"""Questions over documents of Debian packages, by which the ranking of passages is developed.

The documents are PDFs of the packages r-doc-pdf (``R-FAQ.pdf``, ``R-intro.pdf``, ``R-data.pdf``) and
debian-reference-zh-cn (``debian-reference.zh-cn.pdf``): ``tests.benchmarks.documents --debian FOLDER`` looks for them.
"""

from __future__ import annotations

SHARED_WORDS = {
    "R-FAQ.pdf": {
        "Why is R named R?": "partly based on the (first) names of the first two R authors",
        "How do I convert factors to numeric?": "as.numeric(as.character(f))",
        "Why do my matrices lose dimensions?": "with a single row or column is created",
        "How can I clean up my workspace?": "Without all = TRUE, only the objects with names not starting",
        "Why is the output not printed when I source() a file?": "echo = TRUE",
    },
    "R-intro.pdf": {
        "Is R case sensitive?": "It is case sensitive as are most UNIX based packages",
        "Where does R store the objects at the end of a session?": "the objects are written to a file called .RData",
        "How does the recycling rule extend short vectors?": "extended by recycling their values until",
        "What is a ragged array?": "is an example of what is sometimes called a ragged array",
        "In which order are Rprofile.site, the user profile and .First() executed?": ".RData and then .First()",
    },
    "R-data.pdf": {
        "Which fileEncoding reads UTF-8 files with a BOM?": 'fileEncoding = "UTF-8-BOM"',
        "Is utf8 a valid encoding name?": "Note that utf8 is not a valid encoding name",
    },
    "debian-reference.zh-cn.pdf": {
        "给目录设置粘滞位有什么作用？": "将保护该目录内的文件不被其所有者之外的一个用户删除",
        "APT 获取的软件包保存在哪个目录？": "都被保存在“/var/cache/apt/archives”中",
        "tmpfs 的文件保存在哪里？": "它的文件都保存在虚拟内存中",
        "怎样不通过文件名称用 UUID 挂载块设备？": "带有“-U”选项可以使用UUID",
        "好密码应该由多少个字符组成？": "由 6 到 8 个字符组成",
        "启动时哪些目录里的临时文件会被清空？": "”/tmp”, ”/var/lock”, 和”/var/run” 中的临时文件会被清空",
        "systemctl status 里红色的点表示什么？": "表示“失败”或者“错误”状态",
        "debsums 能用来发现入侵者吗？": "因为 MD5sum 数据库可能被侵入者篡改",
        "怎样列出可用的字体？": "fc-list(1)”查看所有可用的 fontconfig 字体",
        "怎样用 LUKS 加密 USB 记忆棒？": "您可以用 dm-crypt/LUKS 加密大容量可移动设备上数据",
    },
}
FEW_SHARED_WORDS = {
    "R-FAQ.pdf": {
        "May our company earn money with it?": "one can use R for commercial purposes",
        "My chart's captions should be slanted": "Create plot with no x axis and no x axis label",
        "A single row of my table turned into a plain list of numbers": "with a single row or column is created",
    },
    "R-intro.pdf": {
        "What stands for a value that nobody measured?": "a place within a vector may be reserved for it",
        "Do upper and lower letters matter?": "It is case sensitive as are most UNIX based packages",
        "Group people by categories such as state": "specify a discrete classification (grouping)",
        "Choose one of two values for each element without a loop": "ifelse(condition, a, b)",
    },
    "R-data.pdf": {
        "My umlauts come out wrong when I load a western European text": 'fileEncoding="latin1"',
        "What separates columns in a spreadsheet that I exported?": "A common field separator",
    },
    "debian-reference.zh-cn.pdf": {
        "怎样让同事管理机器又不告诉他超级用户口令？": "而不共享 root 密码",
        "电脑没声音": "那你的扬声器可能连接到了一个静音输出",
        "日志文件太大，想弄空它": "不要用 rm(1) 命令去删除文件然后创建新的空文件",
        "拿 U 盘在苹果和微软的机器之间拷东西该用什么格式？": "FAT 文件系统被绝大多数的现代操作系统支持",
        "系统坏得很厉害，还能救回来吗？": "即使失去“/var/”中的所有数据",
        "忘了开机的口令怎么进去": "系统的 root shell 现在可以无密码访问了",
        "照片要保存几十年，刻成什么好？": "我使用品牌公司的 CD-R 和 DVD-R",
        "登录别的机器不想每次输口令": "使用公钥认证，可以实现远程免密码登录",
        "固态盘怕写坏": "可以减少不必要的磁盘访问来阻止磁盘损耗",
    },
}

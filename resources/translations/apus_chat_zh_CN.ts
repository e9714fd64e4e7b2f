<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN">
<context>
    <name></name>
    <message>
        <source>Something went wrong ({code}). See the log for details.</source>
        <translation>出了点问题（{code}）。详细信息见日志。</translation>
    </message>
    <message>
        <source>starting</source>
        <translation>启动</translation>
    </message>
    <message>
        <source>looking for devices</source>
        <translation>查找设备</translation>
    </message>
    <message>
        <source>testing the load</source>
        <translation>测试加载</translation>
    </message>
    <message>
        <source>loading the model</source>
        <translation>加载模型</translation>
    </message>
    <message>
        <source>reading the conversation</source>
        <translation>读取对话</translation>
    </message>
    <message>
        <source>answering</source>
        <translation>生成回答</translation>
    </message>
    <message>
        <source>measuring speed</source>
        <translation>测速</translation>
    </message>
    <message>
        <source>lending this computer</source>
        <translation>出借这台电脑</translation>
    </message>
    <message>
        <source>name not found</source>
        <translation>找不到该主机名</translation>
    </message>
    <message>
        <source>connection refused</source>
        <translation>连接被拒绝</translation>
    </message>
    <message>
        <source>connection reset</source>
        <translation>连接被对方重置</translation>
    </message>
    <message>
        <source>network unreachable</source>
        <translation>网络不可达</translation>
    </message>
    <message>
        <source>no answer</source>
        <translation>没有响应</translation>
    </message>
    <message>
        <source>no secure connection</source>
        <translation>无法建立安全连接</translation>
    </message>
    <message>
        <source>the response ended early</source>
        <translation>响应提前结束</translation>
    </message>
    <message>
        <source>expired</source>
        <translation>已过期</translation>
    </message>
    <message>
        <source>self-signed</source>
        <translation>自签名证书</translation>
    </message>
    <message>
        <source>unknown issuer</source>
        <translation>颁发者未知</translation>
    </message>
    <message>
        <source>for another host</source>
        <translation>属于其他主机</translation>
    </message>
    <message>
        <source>not an address</source>
        <translation>不是有效地址</translation>
    </message>
    <message>
        <source>too many redirects</source>
        <translation>重定向过多</translation>
    </message>
    <message>
        <source>a web page</source>
        <translation>返回的是网页</translation>
    </message>
    <message>
        <source>no repository</source>
        <translation>没有该仓库</translation>
    </message>
    <message>
        <source>Permission denied</source>
        <translation>权限不足</translation>
    </message>
    <message>
        <source>No such file or directory</source>
        <translation>文件或文件夹不存在</translation>
    </message>
    <message>
        <source>Read-only file system</source>
        <translation>文件系统为只读</translation>
    </message>
    <message>
        <source>Input/output error</source>
        <translation>读写错误</translation>
    </message>
    <message>
        <source>Address already in use</source>
        <translation>地址已被占用</translation>
    </message>
    <message>
        <source>exit code {code}</source>
        <translation>退出代码 {code}</translation>
    </message>
    <message>
        <source>The context of {context} tokens is full. The oldest messages are left out ({count}).</source>
        <translation>{context} 个 token 的上下文已满，已略去最早的 {count} 条消息。</translation>
    </message>
    <message>
        <source>The context is full. The oldest messages are summarised ({count}).</source>
        <translation>上下文已满，最早的消息已总结（{count} 条）。</translation>
    </message>
    <message>
        <source>The attachments don&apos;t fit in the context. The model was given the {given} of {total} passages that best match the question.</source>
        <translation>附件超出上下文长度。已从 {total} 个段落中选出与问题最相关的 {given} 个提供给模型。</translation>
    </message>
    <message>
        <source>The attachments don&apos;t fit in the context, and the question names nothing in them. The model was given the beginning and passages spread over the rest ({given} of {total}).</source>
        <translation>附件超出上下文长度，且问题没有指明其中的内容。已将开头和其余部分均匀选取的段落提供给模型（{total} 个中的 {given} 个）。</translation>
    </message>
    <message>
        <source>{count} s</source>
        <translation>{count} 秒</translation>
    </message>
    <message>
        <source>, </source>
        <translation>、</translation>
    </message>
    <message>
        <source>{count} min</source>
        <translation>{count} 分钟</translation>
    </message>
    <message>
        <source>APUS Chat: report about this computer</source>
        <translation>APUS Chat：本机诊断报告</translation>
    </message>
    <message>
        <source>ok</source>
        <translation>正常</translation>
    </message>
    <message>
        <source>warning</source>
        <translation>警告</translation>
    </message>
    <message>
        <source>bad</source>
        <translation>异常</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>程序</translation>
    </message>
    <message>
        <source>RAM and swap</source>
        <translation>内存与交换空间</translation>
    </message>
    <message>
        <source>Conversations</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Disk</source>
        <translation>磁盘</translation>
    </message>
    <message>
        <source>Engine and GPUs</source>
        <translation>引擎与 GPU</translation>
    </message>
    <message>
        <source>Network</source>
        <translation>网络</translation>
    </message>
    <message>
        <source>Version</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>Libraries</source>
        <translation>程序库</translation>
    </message>
    <message>
        <source>Operating system</source>
        <translation>操作系统</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>Starter model</source>
        <translation>入门模型</translation>
    </message>
    <message>
        <source>Keyring</source>
        <translation>密钥环</translation>
    </message>
    <message>
        <source>Fonts</source>
        <translation>字体</translation>
    </message>
    <message>
        <source>Emoji</source>
        <translation>表情符号</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>窗口</translation>
    </message>
    <message>
        <source>RAM</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>Swap</source>
        <translation>交换空间</translation>
    </message>
    <message>
        <source>Database</source>
        <translation>数据库</translation>
    </message>
    <message>
        <source>Backups</source>
        <translation>备份</translation>
    </message>
    <message>
        <source>Data folder</source>
        <translation>数据文件夹</translation>
    </message>
    <message>
        <source>Models folder</source>
        <translation>模型文件夹</translation>
    </message>
    <message>
        <source>Disk use</source>
        <translation>磁盘占用</translation>
    </message>
    <message>
        <source>Read speed</source>
        <translation>读取速度</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>External engine</source>
        <translation>外部引擎</translation>
    </message>
    <message>
        <source>Devices</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Device</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>GPU</source>
        <translation>GPU</translation>
    </message>
    <message>
        <source>RPC server</source>
        <translation>RPC 服务器</translation>
    </message>
    <message>
        <source>GPUs</source>
        <translation>GPU</translation>
    </message>
    <message>
        <source>Hub</source>
        <translation>模型站</translation>
    </message>
    <message>
        <source>Server</source>
        <translation>服务器</translation>
    </message>
    <message>
        <source>Not checked</source>
        <translation>未能检查</translation>
    </message>
    <message>
        <source>Couldn&apos;t be checked ({detail}). See the log for details.</source>
        <translation>未能检查（{detail}）。详细信息见日志。</translation>
    </message>
    <message>
        <source>APUS Chat {version}, Python {python}</source>
        <translation>APUS Chat {version}，Python {python}</translation>
    </message>
    <message>
        <source>APUS Chat {version}, bundled with Python {python}</source>
        <translation>APUS Chat {version}，内置 Python {python}</translation>
    </message>
    <message>
        <source>{count} logical cores</source>
        <translation>{count} 个逻辑核心</translation>
    </message>
    <message>
        <source>missing</source>
        <translation>缺失</translation>
    </message>
    <message>
        <source>Run the setup again to install it.</source>
        <translation>重新运行安装程序即可补上。</translation>
    </message>
    <message>
        <source>Tokens and keys are stored in the system keyring.</source>
        <translation>令牌和密钥保存在系统密钥环中。</translation>
    </message>
    <message>
        <source>The system keyring doesn&apos;t respond; it may be locked.</source>
        <translation>系统密钥环没有响应，可能已锁定。</translation>
    </message>
    <message>
        <source>Unlock it, or look for a window that asks for its password.</source>
        <translation>请将其解锁，或查看是否有窗口在要求输入密码。</translation>
    </message>
    <message>
        <source>No keyring: tokens and keys are kept only until the program closes, and you need to enter them again.</source>
        <translation>没有密钥环：令牌和密钥只保留到程序关闭，之后需要重新输入。</translation>
    </message>
    <message>
        <source>On Linux, install GNOME Keyring or KWallet and log in to the desktop again.</source>
        <translation>在 Linux 上，请安装 GNOME Keyring 或 KWallet，然后重新登录桌面。</translation>
    </message>
    <message>
        <source>Chinese text uses {name}.</source>
        <translation>中文使用 {name} 显示。</translation>
    </message>
    <message>
        <source>No font on this computer has Chinese characters.</source>
        <translation>这台电脑上没有中文字体。</translation>
    </message>
    <message>
        <source>No font on this computer has emoji: they are shown as boxes.</source>
        <translation>这台电脑上没有包含表情符号的字体，表情会显示为方框。</translation>
    </message>
    <message>
        <source>Install Noto Color Emoji, then restart the program.</source>
        <translation>请安装 Noto Color Emoji，然后重新启动程序。</translation>
    </message>
    <message>
        <source>Install Noto Sans CJK SC, then restart the program.</source>
        <translation>请安装 Noto Sans CJK SC，然后重新启动程序。</translation>
    </message>
    <message>
        <source>Not checked from a terminal; run diagnostics in the window instead.</source>
        <translation>在终端中不检查此项；请在窗口中运行诊断。</translation>
    </message>
    <message>
        <source>PySide6 is missing, so there is no window.</source>
        <translation>缺少 PySide6，因此没有窗口。</translation>
    </message>
    <message>
        <source>PySide6 {version}, but no display</source>
        <translation>PySide6 {version}，但没有显示器</translation>
    </message>
    <message>
        <source>To use the window, start the program from a desktop session.</source>
        <translation>要使用窗口，请在桌面会话中启动程序。</translation>
    </message>
    <message>
        <source>PySide6 {version}</source>
        <translation>PySide6 {version}</translation>
    </message>
    <message>
        <source>PySide6 {version} on {platform}, scale factor {scale}</source>
        <translation>PySide6 {version}，平台 {platform}，缩放 {scale} 倍</translation>
    </message>
    <message>
        <source>{available_bytes} available of {total_bytes}</source>
        <translation>共 {total_bytes}，可用 {available_bytes}</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>{used_bytes} used of {total_bytes}</source>
        <translation>共 {total_bytes}，已用 {used_bytes}</translation>
    </message>
    <message>
        <source>Close programs you don&apos;t need; otherwise models may not fit, or answer slowly.</source>
        <translation>请关闭不需要的程序，否则模型可能放不下，或者回答变慢。</translation>
    </message>
    <message>
        <source>None yet. Your first conversation creates it.</source>
        <translation>还没有数据库。第一次对话时会自动创建。</translation>
    </message>
    <message>
        <source>Intact, {size_bytes}</source>
        <translation>完好，{size_bytes}</translation>
    </message>
    <message>
        <source>{path} is damaged ({detail}).</source>
        <translation>{path} 已损坏（{detail}）。</translation>
    </message>
    <message>
        <source>{path} is missing or empty, but there are backups.</source>
        <translation>{path} 不存在或为空，但有备份。</translation>
    </message>
    <message>
        <source>Restart the program; it offers to restore the newest intact backup.</source>
        <translation>请重新启动程序，届时可选择恢复最新的完好备份。</translation>
    </message>
    <message>
        <source>{count}, newest from {time} ({size_bytes})</source>
        <translation>{count} 份，最新一份备份于 {time}（{size_bytes}）</translation>
    </message>
    <message>
        <source>None yet. Backups are made automatically.</source>
        <translation>还没有备份。备份会自动进行。</translation>
    </message>
    <message>
        <source>{path}, {free_bytes} free</source>
        <translation>{path}，剩余 {free_bytes}</translation>
    </message>
    <message>
        <source>The folder isn&apos;t writable. Change its permissions, or choose another folder.</source>
        <translation>文件夹不可写。请修改其权限，或选择其他文件夹。</translation>
    </message>
    <message>
        <source>Free up some space before you download anything.</source>
        <translation>下载之前请先腾出一些空间。</translation>
    </message>
    <message>
        <source>{speed_bytes}/s: loading {name} ({size_bytes}) takes about {duration_s}</source>
        <translation>{speed_bytes}/s：加载 {name}（{size_bytes}）约需 {duration_s}</translation>
    </message>
    <message>
        <source>{speed_bytes}/s, possibly cached in RAM: loading {name} ({size_bytes}) takes about {duration_s} or more</source>
        <translation>{speed_bytes}/s（可能来自内存缓存）：加载 {name}（{size_bytes}）约需 {duration_s} 或更久</translation>
    </message>
    <message>
        <source>{speed_bytes}/s, possibly cached in RAM</source>
        <translation>{speed_bytes}/s（可能来自内存缓存）</translation>
    </message>
    <message>
        <source>{total_bytes} in all. Models: {models_bytes}, conversations: {conversations_bytes}, backups: {backups_bytes}, conversation cache: {states_bytes}, other: {other_bytes}</source>
        <translation>共 {total_bytes}。模型 {models_bytes}，对话 {conversations_bytes}，备份 {backups_bytes}，对话缓存 {states_bytes}，其他 {other_bytes}</translation>
    </message>
    <message>
        <source>Not measured: not enough free space.</source>
        <translation>未测量：剩余空间不足。</translation>
    </message>
    <message>
        <source>Couldn&apos;t be measured ({detail}).</source>
        <translation>无法测量（{detail}）。</translation>
    </message>
    <message>
        <source>Keep models on a faster disk: change the models folder in Settings &gt; Downloads.</source>
        <translation>请将模型放到更快的磁盘上：在“设置 &gt; 下载”中更改模型文件夹。</translation>
    </message>
    <message>
        <source>{engine} starts; built for {backends}</source>
        <translation>{engine} 可以启动，支持 {backends}</translation>
    </message>
    <message>
        <source>Rebuild the engine.</source>
        <translation>请重新构建引擎。</translation>
    </message>
    <message>
        <source>Reinstall the program.</source>
        <translation>请重新安装程序。</translation>
    </message>
    <message>
        <source>Models load onto {names}; what doesn&apos;t fit goes into RAM.</source>
        <translation>模型加载到 {names}，放不下的部分放入内存。</translation>
    </message>
    <message>
        <source>No usable GPU: everything runs on the CPU.</source>
        <translation>没有可用的 GPU：全部由 CPU 计算。</translation>
    </message>
    <message>
        <source>GPUs are simulated (APUS_CHAT_GPUS is set).</source>
        <translation>GPU 为模拟（已设置 APUS_CHAT_GPUS）。</translation>
    </message>
    <message>
        <source>{description}, {backend}, {free_bytes} free of {total_bytes}</source>
        <translation>{description}，{backend}，共 {total_bytes}，空闲 {free_bytes}</translation>
    </message>
    <message>
        <source>{description}, {backend}</source>
        <translation>{description}，{backend}</translation>
    </message>
    <message>
        <source>{description}, {backend}, turned off in Settings</source>
        <translation>{description}，{backend}，已在设置中停用</translation>
    </message>
    <message>
        <source>driver {driver}, GPU memory not used by other programs</source>
        <translation>驱动 {driver}，没有其他程序占用显存</translation>
    </message>
    <message>
        <source>driver {driver}, GPU memory used by {holders}</source>
        <translation>驱动 {driver}，占用显存的程序：{holders}</translation>
    </message>
    <message>
        <source>Close the ones you don&apos;t need to free GPU memory for the model.</source>
        <translation>请关闭其中不需要的程序，为模型腾出显存。</translation>
    </message>
    <message>
        <source>This build of the engine can&apos;t use your {gpus}.</source>
        <translation>当前引擎无法使用你的 {gpus}。</translation>
    </message>
    <message>
        <source>Build the engine for it, then restart the program.</source>
        <translation>请为它构建引擎，然后重新启动程序。</translation>
    </message>
    <message>
        <source>Install the {backend} bundle, or put its engine folder next to this program and restart it.</source>
        <translation>请安装 {backend} 版程序包，或将其引擎文件夹放到本程序旁边，然后重新启动。</translation>
    </message>
    <message>
        <source>{backend}, from {path}</source>
        <translation>{backend}，来自 {path}</translation>
    </message>
    <message>
        <source>{path} is for engine version {version} and isn&apos;t used; this program has version {expected}.</source>
        <translation>{path} 适用于 {version} 版引擎，未被使用；本程序的引擎是 {expected} 版。</translation>
    </message>
    <message>
        <source>Use the engine folder from the same release, or remove this one.</source>
        <translation>请换成同一版本的引擎文件夹，或删除此文件夹。</translation>
    </message>
    <message>
        <source>responds in {milliseconds} ms</source>
        <translation>响应时间 {milliseconds} 毫秒</translation>
    </message>
    <message>
        <source>no response within {seconds} s</source>
        <translation>{seconds} 秒内无响应</translation>
    </message>
    <message>
        <source>Check the connection and the proxy, or choose another hub in Settings &gt; Downloads.</source>
        <translation>请检查网络连接和代理，或在“设置 &gt; 下载”中选择其他 Hub。</translation>
    </message>
    <message>
        <source>Check that the server is running and that its address in Settings is correct.</source>
        <translation>请确认服务器正在运行，且设置中的地址正确。</translation>
    </message>
    <message>
        <source>The file {path} doesn&apos;t exist. Check the name, or choose another file.</source>
        <translation>文件 {path} 不存在。请检查名称，或选择其他文件。</translation>
    </message>
    <message>
        <source>The file {path} can&apos;t be read ({detail}). Check its permissions and its disk.</source>
        <translation>无法读取文件 {path}（{detail}）。请检查它的权限和所在的磁盘。</translation>
    </message>
    <message>
        <source>The file {path} was damaged. It was renamed to {aside}, and the program starts with a new one.</source>
        <translation>文件 {path} 已损坏，已重命名为 {aside}，程序将使用新文件。</translation>
    </message>
    <message>
        <source>{path} is a folder. Choose the .gguf file in it.</source>
        <translation>{path} 是文件夹。请选择其中的 .gguf 文件。</translation>
    </message>
    <message>
        <source>The file {path} changed while it was being read. Try again when no program is writing to it.</source>
        <translation>文件 {path} 在读取过程中发生了变化。请等其他程序写完后重试。</translation>
    </message>
    <message>
        <source>The file {path} can&apos;t be written ({detail}). Choose another location.</source>
        <translation>无法写入文件 {path}（{detail}）。请选择其他位置。</translation>
    </message>
    <message>
        <source>The disk is full, so {path} couldn&apos;t be saved. Free up some space and try again; nothing saved before is lost.</source>
        <translation>磁盘已满，无法保存 {path}。请腾出空间后重试；之前保存的内容没有丢失。</translation>
    </message>
    <message>
        <source>{path} isn&apos;t a GGUF file. Choose a model file that ends in .gguf, or download it again.</source>
        <translation>{path} 不是 GGUF 文件。请选择扩展名为 .gguf 的模型文件，或重新下载。</translation>
    </message>
    <message>
        <source>{path} uses GGUF version {version}, which the engine can&apos;t read. Get a newer file of this model.</source>
        <translation>{path} 的 GGUF 版本为 {version}，引擎无法读取。请获取该模型较新的文件。</translation>
    </message>
    <message>
        <source>The model file {path} is damaged ({detail}). Download it again, or choose another file.</source>
        <translation>模型文件 {path} 已损坏（{detail}）。请重新下载，或选择其他文件。</translation>
    </message>
    <message>
        <source>The model file {path} is incomplete: {bytes} of {expected_bytes}. Finish the download, or download it again.</source>
        <translation>模型文件 {path} 不完整：共 {expected_bytes}，现有 {bytes}。请完成下载，或重新下载。</translation>
    </message>
    <message>
        <source>{path} uses a quantisation ({type}) that this program doesn&apos;t support. Choose another quantisation.</source>
        <translation>{path} 使用了本程序不支持的量化类型（{type}）。请选择其他量化版本。</translation>
    </message>
    <message>
        <source>A part of the split model is missing: {path}. Put all parts in one folder.</source>
        <translation>分卷模型缺少一个分卷：{path}。请将所有分卷放在同一个文件夹中。</translation>
    </message>
    <message>
        <source>The contents of {path} say it&apos;s part {number} of {count}, but its name doesn&apos;t match. Restore its original name.</source>
        <translation>{path} 的内容表明它是 {count} 个分卷中的第 {number} 个，但与文件名不符。请恢复原来的文件名。</translation>
    </message>
    <message>
        <source>{path} was made before April 2024 and stores each expert in a separate tensor, which current engines can&apos;t load. Convert it in the models dialog or with apus-chat models repair; its values don&apos;t change.</source>
        <translation>{path} 制作于 2024 年 4 月之前，每个专家单独存为一个张量，目前的引擎无法加载。请在模型对话框中或使用 apus-chat models repair 进行转换，其中的数值不会改变。</translation>
    </message>
    <message>
        <source>There&apos;s no model {id} on this computer. Available: {known}. You can also use a path to a .gguf file.</source>
        <translation>这台电脑上没有模型 {id}。可用的模型：{known}。也可以使用 .gguf 文件的路径。</translation>
    </message>
    <message>
        <source>The starter model isn&apos;t installed. Run python3 start.py once to install it.</source>
        <translation>入门模型尚未安装。请运行一次 python3 start.py 进行安装。</translation>
    </message>
    <message>
        <source>The starter model is part of the program and can&apos;t be removed.</source>
        <translation>入门模型是程序的一部分，不能移除。</translation>
    </message>
    <message>
        <source>Another program is using the model library ({path}). Close it and try again.</source>
        <translation>另一个程序正在使用模型库（{path}）。请关闭该程序后重试。</translation>
    </message>
    <message>
        <source>The model library {path} was written by a newer version of APUS Chat. Update this program.</source>
        <translation>模型库 {path} 由更新版本的 APUS Chat 写入。请更新本程序。</translation>
    </message>
    <message>
        <source>The engine couldn&apos;t load the model file {path}{reason}. Choose another file or a smaller context.</source>
        <translation>引擎无法加载模型文件 {path}{reason}。请选择其他文件，或减小上下文。</translation>
    </message>
    <message>
        <source>No model is loaded. Send the message again.</source>
        <translation>没有已加载的模型。请重新发送消息。</translation>
    </message>
    <message>
        <source>The engine couldn&apos;t be started. Run python3 start.py --rebuild; see its log for details.</source>
        <translation>引擎无法启动。请运行 python3 start.py --rebuild；详细信息见其日志。</translation>
    </message>
    <message>
        <source>The engine stopped unexpectedly while {phase} ({ending}). Anything already written is kept. Try again; the engine restarts automatically.</source>
        <translation>引擎在{phase}时意外退出（{ending}）。已有内容均已保留。请重试，引擎会自动重新启动。</translation>
    </message>
    <message>
        <source>The engine stopped unexpectedly while {phase}, most likely because memory ran out ({ending}). Close other programs, or choose a smaller quantisation or context, and try again.</source>
        <translation>引擎在{phase}时意外退出，很可能是内存不足（{ending}）。请关闭其他程序，或选择更小的量化版本或上下文，然后重试。</translation>
    </message>
    <message>
        <source>The engine can&apos;t run this model: it stopped while {phase} ({assertion}). The file may be damaged, or of a kind that this version can&apos;t run. Choose another model file.</source>
        <translation>引擎无法运行此模型：在{phase}时停止（{assertion}）。文件可能已损坏，或属于此版本无法运行的类型。请选择其他模型文件。</translation>
    </message>
    <message>
        <source>The engine&apos;s computation failed (code {result}). Unload the model and try again.</source>
        <translation>引擎计算失败（代码 {result}）。请卸载模型后重试。</translation>
    </message>
    <message>
        <source>The conversation has {prompt_tokens} tokens, but the context holds {context}. Shorten the message, start a new conversation, or choose a larger context in Settings.</source>
        <translation>对话有 {prompt_tokens} 个 token，而上下文只能容纳 {context} 个。请缩短消息、新建对话，或在设置中选择更大的上下文。</translation>
    </message>
    <message>
        <source>The model&apos;s chat template rejected the conversation ({detail}). Choose another model file.</source>
        <translation>该模型的对话模板不接受这个对话（{detail}）。请选择其他模型文件。</translation>
    </message>
    <message>
        <source>There&apos;s no KV cache type {kv_type}. Choose one of {known}.</source>
        <translation>没有名为 {kv_type} 的 KV 缓存类型。请从 {known} 中选择。</translation>
    </message>
    <message>
        <source>The engine has no device {name}. Choose one of {known}.</source>
        <translation>引擎没有设备 {name}。请从 {known} 中选择。</translation>
    </message>
    <message>
        <source>The tensor split has {shares} values for {devices} devices. Enter one value for each device.</source>
        <translation>张量切分有 {shares} 个数值，而设备有 {devices} 个。请为每个设备指定一个数值。</translation>
    </message>
    <message>
        <source>This build of the engine doesn&apos;t support RPC servers. Run python3 start.py --rebuild.</source>
        <translation>当前构建的引擎不支持 RPC 服务器。请运行 python3 start.py --rebuild。</translation>
    </message>
    <message>
        <source>The RPC server {server} doesn&apos;t respond. Check that it&apos;s running and that the address is correct.</source>
        <translation>RPC 服务器 {server} 没有响应。请确认它正在运行且地址正确。</translation>
    </message>
    <message>
        <source>There&apos;s no conversation {id}. It may have been deleted.</source>
        <translation>对话 {id} 不存在，可能已被删除。</translation>
    </message>
    <message>
        <source>There&apos;s no message {id}. It may have been deleted.</source>
        <translation>消息 {id} 不存在，可能已被删除。</translation>
    </message>
    <message>
        <source>The window can&apos;t be opened because the library {library} is missing. Install what a window needs: libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxkbcommon-x11-0 on Debian and Ubuntu; xcb-util-cursor xcb-util-wm xcb-util-image xcb-util-keysyms xcb-util-renderutil libxkbcommon-x11 on Fedora and Arch.</source>
        <translation>无法打开窗口：缺少库 {library}。请安装窗口所需的软件包：Debian 和 Ubuntu 上是 libxcb-cursor0 libxcb-icccm4 libxcb-image0 libxcb-keysyms1 libxcb-render-util0 libxkbcommon-x11-0；Fedora 和 Arch 上是 xcb-util-cursor xcb-util-wm xcb-util-image xcb-util-keysyms xcb-util-renderutil libxkbcommon-x11。</translation>
    </message>
    <message>
        <source>The conversations in {path} were written by a newer version of APUS Chat (format {version}, this version supports up to {known}). Update this program; nothing was changed.</source>
        <translation>{path} 中的对话由更新版本的 APUS Chat 写入（格式 {version}，本程序最高支持 {known}）。请更新本程序；未做任何更改。</translation>
    </message>
    <message>
        <source>The conversation database {path} is damaged ({detail}). Nothing was changed. To recover its messages or replace it by a backup, open the window, or run &quot;apus-chat conversations restore&quot; with a file from the &quot;backups&quot; folder next to it.</source>
        <translation>对话数据库 {path} 已损坏（{detail}）。未做任何更改。要恢复其中的消息或改用备份，请打开窗口，或用旁边“backups”文件夹中的文件运行“apus-chat conversations restore”。</translation>
    </message>
    <message>
        <source>No message in the damaged conversation database {path} can be read.</source>
        <translation>损坏的对话数据库 {path} 中没有可读取的消息。</translation>
    </message>
    <message>
        <source>Another program is using the conversation database {path}. Close it and try again.</source>
        <translation>另一个程序正在使用对话数据库 {path}。请关闭该程序后重试。</translation>
    </message>
    <message>
        <source>The data folder isn&apos;t writable ({path}). Check its permissions, or choose another folder.</source>
        <translation>数据文件夹不可写（{path}）。请检查它的权限，或选择其他文件夹。</translation>
    </message>
    <message>
        <source>A disk error occurred while using {path} ({detail}). Check the disk; there are backups in the &quot;backups&quot; folder.</source>
        <translation>使用 {path} 时磁盘出错（{detail}）。请检查磁盘；backups 文件夹中有备份。</translation>
    </message>
    <message>
        <source>It&apos;s damaged or not the right type ({detail}) and was skipped.</source>
        <translation>它已损坏或类型不符（{detail}），已跳过。</translation>
    </message>
    <message>
        <source>{path} was exported by a newer version of APUS Chat. Update this program, then import it again.</source>
        <translation>{path} 由更新版本的 APUS Chat 导出。请更新本程序后重新导入。</translation>
    </message>
    <message>
        <source>{path} is damaged or isn&apos;t an APUS Chat database backup ({detail}). Nothing was changed; choose another backup.</source>
        <translation>{path} 已损坏，或不是 APUS Chat 的数据库备份（{detail}）。未做任何更改；请选择其他备份。</translation>
    </message>
    <message>
        <source>The backup {path} was made by a newer version of APUS Chat. Update this program, then restore the backup; nothing was changed.</source>
        <translation>备份 {path} 由更新版本的 APUS Chat 创建。请先更新本程序，再恢复备份；未做任何更改。</translation>
    </message>
    <message>
        <source>The PDF was saved, but fonts for some of its Chinese characters ({characters}) are missing on this computer. Install Noto Sans CJK SC (package fonts-noto-cjk) and export again.</source>
        <translation>PDF 已保存，但这台电脑的字体缺少其中一些汉字（{characters}）。请安装 Noto Sans CJK SC 字体（软件包 fonts-noto-cjk），然后重新导出。</translation>
    </message>
    <message>
        <source>The PDF was saved, but fonts for some of its characters ({characters}) are missing on this computer. Install a font for them and export again, or export as HTML.</source>
        <translation>PDF 已保存，但这台电脑的字体缺少其中一些字符（{characters}）。请安装相应的字体后重新导出，或导出为 HTML。</translation>
    </message>
    <message>
        <source>Exporting several conversations in this format requires a folder, but {path} is a file. Choose a folder.</source>
        <translation>以这种格式导出多个对话时需要选择文件夹，而 {path} 是文件。请选择文件夹。</translation>
    </message>
    <message>
        <source>{name} is {bytes}, but attachments are limited to {limit_bytes}. Attach only the part your question is about.</source>
        <translation>{name} 的大小为 {bytes}，附件最大为 {limit_bytes}。请只附上与问题有关的部分。</translation>
    </message>
    <message>
        <source>{name} can&apos;t be attached because its content is neither a text nor a document. Save it as PDF, DOCX, XLSX or text, or copy the passage and paste it here.</source>
        <translation>无法添加 {name}：它的内容既不是文本，也不是可读取的文档。请另存为 PDF、DOCX、XLSX 或文本，或者复制所需段落粘贴到这里。</translation>
    </message>
    <message>
        <source>{name} is empty. Choose another file.</source>
        <translation>{name} 是空文件。请选择其他文件。</translation>
    </message>
    <message>
        <source>A question can have up to {limit} attachments. Remove one first, or combine several into one file.</source>
        <translation>一个问题最多可以有 {limit} 个附件。请先移除一个，或将几个合并成一个文件。</translation>
    </message>
    <message>
        <source>The last question, with its attachments, the system prompt and space for an answer, needs {needed} tokens, but the context holds {context}. Shorten the question, or choose a longer context.</source>
        <translation>最后一个问题加上附件、系统提示词和回答所需的空间共 {needed} 个 token，而上下文只能容纳 {context} 个。请缩短问题，或选择更长的上下文。</translation>
    </message>
    <message>
        <source>A graphics driver made the engine crash or hang while it was looking for devices. Update the driver. Until then, only the CPU is used.</source>
        <translation>引擎查找设备时，显卡驱动导致引擎崩溃或卡住。请更新驱动；在此之前只使用 CPU。</translation>
    </message>
    <message>
        <source>The engine detects other GPUs, but not {gpus}. Update the driver, and check that no setting hides GPUs (such as CUDA_VISIBLE_DEVICES).</source>
        <translation>引擎检测到了其他 GPU，但没有检测到 {gpus}。请更新驱动，并检查是否有设置（如 CUDA_VISIBLE_DEVICES）隐藏了 GPU。</translation>
    </message>
    <message>
        <source>There is no split mode {split_mode}. Choose one of these: {known}.</source>
        <translation>没有名为 {split_mode} 的切分方式。可选：{known}。</translation>
    </message>
    <message>
        <source>The RPC server {server} accepts the connection but doesn&apos;t respond. It serves one program at a time. Close the other program, or unload its model.</source>
        <translation>RPC 服务器 {server} 接受了连接，但没有响应。它一次只能服务一个程序。请关闭另一个程序，或在那里卸载模型。</translation>
    </message>
    <message>
        <source>{server} isn&apos;t an RPC server of this llama.cpp version. Start the one that matches this program&apos;s engine.</source>
        <translation>{server} 不是此版本 llama.cpp 的 RPC 服务器。请启动与本程序引擎配套的服务器。</translation>
    </message>
    <message>
        <source>{server} uses RPC protocol version {theirs}, but this program&apos;s engine uses version {ours}. Start the server from the same llama.cpp version there.</source>
        <translation>{server} 使用 RPC 协议版本 {theirs}，本程序的引擎使用版本 {ours}。请在那里启动同一版本 llama.cpp 的服务器。</translation>
    </message>
    <message>
        <source>The device at {server} disconnected during the operation. Try again to load the model without it.</source>
        <translation>{server} 的设备中途断开。请重试，模型会在不使用它的情况下加载。</translation>
    </message>
    <message>
        <source>{text} isn&apos;t a valid address. Enter HOST:PORT, such as 192.168.1.20:50052.</source>
        <translation>{text} 不是有效的地址。请填写 主机:端口，例如 192.168.1.20:50052。</translation>
    </message>
    <message>
        <source>{text} isn&apos;t a valid list of simulated GPUs. Enter the free GiB of each GPU, such as 24, or none.</source>
        <translation>{text} 不是有效的模拟 GPU 设置。请填写每块 GPU 的可用 GiB 数，例如 24；或填写 none。</translation>
    </message>
    <message>
        <source>{path} wasn&apos;t loaded because it needs {needed_bytes} of RAM and only {available_bytes} are free. Close other programs, or choose a smaller quantisation or a shorter context.</source>
        <translation>{path} 需要 {needed_bytes} 内存，可用 {available_bytes}，因此没有加载。请关闭其他程序，或选择更小的量化版本或更短的上下文。</translation>
    </message>
    <message>
        <source>The engine was stopped because it was still {phase} after {seconds} s. Try again.</source>
        <translation>引擎在 {seconds} 秒后仍在{phase}，已被停止。请重试。</translation>
    </message>
    <message>
        <source>The speed test needs a context of {needed} tokens, but only {context} are loaded. Choose a longer context.</source>
        <translation>测速需要 {needed} 个 token 的上下文，当前只加载了 {context} 个。请选择更长的上下文。</translation>
    </message>
    <message>
        <source>Couldn&apos;t connect to {host} ({detail}). Check the network and the proxy, or choose another mirror.</source>
        <translation>无法连接 {host}（{detail}）。请检查网络和代理，或选择其他镜像。</translation>
    </message>
    <message>
        <source>The drive can&apos;t store a file as large as {path}; FAT32 drives are limited to 4 GiB per file. Choose a folder on another drive.</source>
        <translation>此驱动器无法存放像 {path} 这样大的文件；FAT32 格式的驱动器，单个文件最大为 4 GiB。请选择其他驱动器上的文件夹。</translation>
    </message>
    <message>
        <source>The file {path} already exists. Choose another name, or move the file first.</source>
        <translation>文件 {path} 已存在。请换一个名称，或先移走该文件。</translation>
    </message>
    <message>
        <source>The model&apos;s chat template didn&apos;t finish within the limits ({seconds} s, {limit_bytes} of memory). Choose another model file.</source>
        <translation>该模型的对话模板未能在限制（{seconds} 秒，{limit_bytes} 内存）内执行完毕。请选择其他模型文件。</translation>
    </message>
    <message>
        <source>{path} sets {key} = {value}, which no model uses and the engine can&apos;t handle. The file is damaged or malicious; choose another file.</source>
        <translation>{path} 中 {key} = {value}，没有模型会使用这样的值，引擎也无法处理。文件已损坏或含有恶意内容，请选择其他文件。</translation>
    </message>
    <message>
        <source>{path} contains a web page instead of a model: a sign-in or error page was saved in its place. Delete it and download the model again.</source>
        <translation>{path} 是网页而不是模型：保存下来的是登录页面或错误页面。请删除它，并重新下载模型。</translation>
    </message>
    <message>
        <source>{path} is only a Git LFS pointer, a file of about a hundred bytes that stands in for the model. Run git lfs pull in its folder, or download the model again.</source>
        <translation>{path} 只是一个 Git LFS 指针，即代替模型的一百多字节的小文件。请在其所在文件夹中运行 git lfs pull，或重新下载模型。</translation>
    </message>
    <message>
        <source>The response from {host} didn&apos;t come from a hub ({detail}). If this network requires you to sign in, open any web page in a browser first; otherwise check the address of the mirror.</source>
        <translation>{host} 返回的不是 Hub 的响应（{detail}）。如果此网络需要登录，请先在浏览器中打开任意网页；否则请检查镜像地址。</translation>
    </message>
    <message>
        <source>{host} reported a server error (status {status}). Try again later, or choose another mirror.</source>
        <translation>{host} 服务器出错（状态码 {status}）。请稍后重试，或选择其他镜像。</translation>
    </message>
    <message>
        <source>{host} has no repository {repository}, or requires an access token to show it. Check the name, or choose another mirror.</source>
        <translation>{host} 上没有仓库 {repository}，或者需要访问令牌才能查看。请检查名称，或选择其他镜像。</translation>
    </message>
    <message>
        <source>{path} is damaged or isn&apos;t the published file {published}. Re-download the damaged parts with apus-chat models verify --redownload, or download the whole file again.</source>
        <translation>{path} 已损坏，或不是发布的文件 {published}。请用 apus-chat models verify --redownload 重新下载损坏的部分，或重新下载整个文件。</translation>
    </message>
    <message>
        <source>{id} isn&apos;t a model on a hub. Use OWNER/REPO:FILE or a catalogue name (apus:Q2_K).</source>
        <translation>{id} 不是 Hub 上的模型。请使用 OWNER/REPO:FILE 的形式，或内置模型清单中的名称（apus:Q2_K）。</translation>
    </message>
    <message>
        <source>The file {path} has invalid values ({names}). They stay in the file, and the defaults apply until you change them.</source>
        <translation>文件 {path} 中有无效的值（{names}）。这些值会保留在文件中，在你更改之前使用默认值。</translation>
    </message>
    <message>
        <source>{path} isn&apos;t a regular file. Choose another file.</source>
        <translation>{path} 不是普通文件。请选择其他文件。</translation>
    </message>
    <message>
        <source>{path} isn&apos;t a chat model, but a part of one, an add-on to one, or a model of another kind. Choose a chat model.</source>
        <translation>{path} 不是对话模型，而是模型的一部分、附加文件或其他类型的模型。请选择对话模型。</translation>
    </message>
    <message>
        <source>{path} is an embedding model: it compares texts and can&apos;t answer. Choose a chat model. Other programs can use this one through the local server.</source>
        <translation>{path} 是嵌入模型：用于比较文本，不能回答问题。请选择对话模型。其他程序可以通过本地服务使用它。</translation>
    </message>
    <message>
        <source>This engine was built without its part that reads pictures. Run python3 start.py --rebuild, or remove the pictures from the question.</source>
        <translation>当前引擎在构建时未包含图片识别组件。请运行 python3 start.py --rebuild，或从问题中移除图片。</translation>
    </message>
    <message>
        <source>The engine couldn&apos;t load {path}, with which the model reads pictures. Download the file again, or remove the pictures from the question.</source>
        <translation>引擎无法加载 {path}，模型需要用它识别图片。请重新下载该文件，或从问题中移除图片。</translation>
    </message>
    <message>
        <source>{path} isn&apos;t the part of a model that reads pictures. Choose the file of the model whose name contains mmproj.</source>
        <translation>{path} 不是模型的图片识别组件。请选择该模型文件名中含 mmproj 的文件。</translation>
    </message>
    <message>
        <source>Pictures can&apos;t be read with {path}: its kind, {kind}, isn&apos;t supported yet.</source>
        <translation>无法用 {path} 识别图片：暂不支持 {kind} 类型。</translation>
    </message>
    <message>
        <source>{path} reads pictures for another model than {model}: their widths differ. Choose the file that was published with the model.</source>
        <translation>{path} 不是 {model} 的图片识别组件：二者的向量宽度不同。请选择与该模型一同发布的文件。</translation>
    </message>
    <message>
        <source>The model can&apos;t read {name}. Attach a picture of another size or format.</source>
        <translation>模型无法识别 {name}。请换用其他尺寸或格式的图片。</translation>
    </message>
    <message>
        <source>The model reads {name} as {tokens} tokens at once, but its micro-batch has {limit}. Choose a larger micro-batch in the memory layout.</source>
        <translation>模型需一次读入 {name} 的 {tokens} 个 token，而微批大小为 {limit}。请在显存布局中选择更大的微批。</translation>
    </message>
    <message>
        <source>There&apos;s no folder {id}. It may have been deleted.</source>
        <translation>没有文件夹 {id}。它可能已被删除。</translation>
    </message>
    <message>
        <source>Folders can only be nested one level deep.</source>
        <translation>文件夹最多嵌套一层。</translation>
    </message>
    <message>
        <source>An answer isn&apos;t finished yet. Stop it or wait until it finishes, then try again.</source>
        <translation>有一个回答尚未完成。请停止回答或等它完成，然后重试。</translation>
    </message>
    <message>
        <source>The window can&apos;t be opened because no display is available ({detail}). &quot;apus-chat --help&quot; lists the commands that need none.</source>
        <translation>没有可用的显示器，无法打开窗口（{detail}）。“apus-chat --help”会列出不需要窗口的命令。</translation>
    </message>
    <message>
        <source>The conversation database {path} is missing or empty, but there are backups. To use one, open the window, or run &quot;apus-chat conversations restore&quot; with a file from the &quot;backups&quot; folder next to it.</source>
        <translation>对话数据库 {path} 不存在或为空，但有备份。要使用备份，请打开窗口，或运行“apus-chat conversations restore”并指定同一位置 backups 文件夹中的文件。</translation>
    </message>
    <message>
        <source>No conversations were found in {path} ({detail}). Choose an export of APUS Chat, ChatGPT or another supported program.</source>
        <translation>在 {path} 中没有找到对话（{detail}）。请选择 APUS Chat、ChatGPT 或其他受支持程序的导出文件。</translation>
    </message>
    <message>
        <source>The layout of this export isn&apos;t known. It may be newer than this program: update APUS Chat, then import it again.</source>
        <translation>无法识别这个导出文件的结构，它可能比本程序新。请更新 APUS Chat，然后重新导入。</translation>
    </message>
    <message>
        <source>Only Cherry Studio 1 can read this backup. Update Cherry Studio to version 2, make a new backup in its data settings and import that.</source>
        <translation>只有 Cherry Studio 1.x 能读取这个备份。请把 Cherry Studio 更新到 2.x，在它的数据设置中重新备份，再导入新的备份。</translation>
    </message>
    <message>
        <source>It contains no text and was skipped.</source>
        <translation>其中没有文字，已跳过。</translation>
    </message>
    <message>
        <source>The archive is damaged or incomplete ({detail}). Download or export it again.</source>
        <translation>压缩包已损坏或不完整（{detail}）。请重新下载或导出。</translation>
    </message>
    <message>
        <source>The archive is encrypted. Unpack it first, then import the folder.</source>
        <translation>压缩包已加密。请先解压，再导入文件夹。</translation>
    </message>
    <message>
        <source>Skipped: {bytes} after unpacking is more than an export contains.</source>
        <translation>已跳过：解压后有 {bytes}，超出导出文件的正常大小。</translation>
    </message>
    <message>
        <source>{path} contains more than {count} files. Choose the folder with the export.</source>
        <translation>{path} 中的文件超过 {count} 个。请选择导出内容所在的文件夹。</translation>
    </message>
    <message>
        <source>Skipped: one of its messages already belongs to another conversation.</source>
        <translation>已跳过：其中有一条消息已属于另一个对话。</translation>
    </message>
    <message>
        <source>{name} contains only pictures and no text. Run text recognition (OCR) on it first, and attach the result.</source>
        <translation>{name} 只有图片，没有文字。请先进行文字识别（OCR），再添加识别结果。</translation>
    </message>
    <message>
        <source>{name} is protected by a password. Save a copy without it, and attach that.</source>
        <translation>{name} 有密码保护。请另存一份不带密码的副本再添加。</translation>
    </message>
    <message>
        <source>{name} can&apos;t be read: it is damaged, or unpacking it would take too much time or memory. Open it in its own program and save it again.</source>
        <translation>无法读取 {name}：文件已损坏，或者解压它需要过多时间或内存。请用原来的程序打开并重新保存。</translation>
    </message>
    <message>
        <source>{name} is in an older Office format. Save it as DOCX, PPTX or PDF, and attach that.</source>
        <translation>{name} 是旧版 Office 格式。请另存为 DOCX、PPTX 或 PDF 再添加。</translation>
    </message>
    <message>
        <source>{name} is a folder. Choose files in it instead.</source>
        <translation>{name} 是文件夹。请选择其中的文件。</translation>
    </message>
    <message>
        <source>{name} is a picture in a format that can&apos;t be read here. Save it as PNG or JPEG, and attach that.</source>
        <translation>无法读取图片 {name} 的格式。请将其另存为 PNG 或 JPEG 后再添加。</translation>
    </message>
    <message>
        <source>{name} is damaged and can&apos;t be shown. Open it in another program and save it again as PNG or JPEG.</source>
        <translation>{name} 已损坏，无法显示。请用其他程序打开，并重新保存为 PNG 或 JPEG。</translation>
    </message>
    <message>
        <source>{name} has more pixels than can be read here (100 million). Make it smaller, or attach a part of it.</source>
        <translation>{name} 的像素数超过上限（1 亿）。请缩小图片，或只添加其中一部分。</translation>
    </message>
    <message>
        <source>{name} is a picture. The documents of a folder are texts; attach pictures to a question instead.</source>
        <translation>{name} 是图片。文件夹的文档只能是文本，请将图片添加到问题中。</translation>
    </message>
    <message>
        <source>{model} doesn&apos;t read pictures. Choose a model that does, or remove the pictures from the question.</source>
        <translation>{model} 不能识别图片。请选择支持图片的模型，或从问题中移除图片。</translation>
    </message>
    <message>
        <source>{model} on {host} doesn&apos;t accept pictures: “{detail}”. Choose a model that reads pictures, or remove them from the question.</source>
        <translation>{host} 上的 {model} 不接受图片：“{detail}”。请选择支持图片的模型，或从问题中移除图片。</translation>
    </message>
    <message>
        <source>Port {port} is in use by another program. Close that program, or choose another port.</source>
        <translation>端口 {port} 已被其他程序占用。请关闭该程序，或换一个端口。</translation>
    </message>
    <message>
        <source>The server can&apos;t listen on {host}, port {port} ({detail}). Choose another address or port.</source>
        <translation>服务无法监听 {host} 的端口 {port}（{detail}）。请换一个地址或端口。</translation>
    </message>
    <message>
        <source>On {host} other computers reach the server, so requests need an API key. Set one, or listen on 127.0.0.1.</source>
        <translation>监听 {host} 时其他电脑可以访问该服务，因此请求需要 API 密钥。请设置密钥，或改为监听 127.0.0.1。</translation>
    </message>
    <message>
        <source>The certificate for other computers was damaged, so there is a new one; {aside} is the old one. On the other computers, enter the API key again: copy it from the settings under Local server.</source>
        <translation>供其他电脑使用的证书已损坏，已重新生成；旧文件保留为 {aside}。请从设置的“本地服务”中复制 API 密钥，并在其他电脑上重新填写。</translation>
    </message>
    <message>
        <source>{text} isn&apos;t the origin of a web site. Enter one such as https://example.com.</source>
        <translation>{text} 不是有效的网站来源。请填写类似 https://example.com 的来源。</translation>
    </message>
    <message>
        <source>No model on this computer is selected. Select one in the window of APUS Chat.</source>
        <translation>没有选择这台电脑上的模型。请在 APUS Chat 窗口中选择一个。</translation>
    </message>
    <message>
        <source>The local server was stopped. Start it again, and repeat the request.</source>
        <translation>本地服务已停止。请重新启动它，然后再次发送请求。</translation>
    </message>
    <message>
        <source>The request failed because of an error in APUS Chat. See the log for details.</source>
        <translation>APUS Chat 出错，请求失败。详情请查看日志。</translation>
    </message>
    <message>
        <source>The context is full: the conversation and space for an answer need {needed} tokens, but the context holds {context}. Leave out or summarise the oldest messages, start a new conversation, or choose a longer context.</source>
        <translation>上下文已满：对话加上回答所需的空间共需 {needed} 个 token，而上下文只有 {context} 个。请略去或总结最早的消息、新建对话，或选择更大的上下文。</translation>
    </message>
    <message>
        <source>The context is full, and the model returned no summary of the oldest messages. Try again, leave out the oldest messages, or start a new conversation.</source>
        <translation>上下文已满，但模型没有给出最早消息的总结。请重试、略去最早的消息，或新建对话。</translation>
    </message>
    <message>
        <source>The messages kept in context, the last question and space for an answer need {needed} tokens, but the context holds {context}. Stop keeping a message in context, or choose a longer context.</source>
        <translation>保留在上下文中的消息、最后一个问题和回答所需的空间共 {needed} 个 token，而上下文只能容纳 {context} 个。请取消保留部分消息，或选择更长的上下文。</translation>
    </message>
    <message>
        <source>This build of the engine can&apos;t use your {gpus}. Run {command} and restart the program.</source>
        <translation>当前引擎无法使用你的 {gpus}。请运行 {command}，然后重新启动程序。</translation>
    </message>
    <message>
        <source>The engine finds no usable driver for your {gpus}. Install or update the driver.</source>
        <translation>引擎没有找到适用于你的 {gpus} 的驱动。请安装或更新驱动。</translation>
    </message>
    <message>
        <source>{device} can&apos;t split layers by rows. Set the split mode to “By layer”.</source>
        <translation>{device} 不支持按行切分层。请将切分方式设为“按层”。</translation>
    </message>
    <message>
        <source>The driver couldn&apos;t lock the RAM for copies to the GPU, so prompts take longer.</source>
        <translation>驱动程序无法锁定用于向 GPU 复制的内存，读取提示词会变慢。</translation>
    </message>
    <message>
        <source>Port {port} is in use by another program. Choose another port.</source>
        <translation>端口 {port} 正被其他程序使用。请换一个端口。</translation>
    </message>
    <message>
        <source>This build of the engine can&apos;t limit what it lends. Run python3 start.py --rebuild.</source>
        <translation>这个引擎版本无法限制出借的资源。请运行 python3 start.py --rebuild。</translation>
    </message>
    <message>
        <source>{device} needs {lacking_bytes} more memory for the manual settings. Reset to automatic, or place fewer layers on it.</source>
        <translation>按手动设置，{device} 还差 {lacking_bytes}。请恢复自动，或减少放在该设备上的层。</translation>
    </message>
    <message>
        <source>Several models in {repository} match. Specify one of {known}.</source>
        <translation>{repository} 中有多个模型符合条件。请指定其中一个：{known}。</translation>
    </message>
    <message>
        <source>{name} is incomplete in {repository}: {missing} is missing. Choose another quantisation or another repository.</source>
        <translation>{repository} 中的 {name} 不完整，缺少 {missing}。请选择其他量化版本或其他仓库。</translation>
    </message>
    <message>
        <source>The parts of {name} in {repository} are numbered inconsistently, so their order is unclear. Choose another quantisation or another repository.</source>
        <translation>{repository} 中 {name} 的分卷编号不一致，无法确定顺序。请选择其他量化版本或其他仓库。</translation>
    </message>
    <message>
        <source>According to {host}, {name} in {repository} is no longer the file that this program expects. Choose another mirror, or download another model.</source>
        <translation>{host} 表示，{repository} 中的 {name} 已不是本程序预期的文件。请选择其他镜像，或下载其他模型。</translation>
    </message>
    <message>
        <source>The system keyring couldn&apos;t delete the saved entry ({detail}). Unlock the keyring and try again, or delete the entry {service} manually.</source>
        <translation>系统密钥环未能删除已保存的条目（{detail}）。请解锁密钥环后重试，或在其中手动删除条目 {service}。</translation>
    </message>
    <message>
        <source>{path} isn&apos;t an embedding model. Choose one that compares texts.</source>
        <translation>{path} 不是嵌入模型。请选择用于比较文本的模型。</translation>
    </message>
    <message>
        <source>A text has {tokens} tokens, but this embedding model reads {limit}. Divide it into shorter ones.</source>
        <translation>一段文本有 {tokens} 个 token，而这个嵌入模型最多读取 {limit} 个。请将其拆成较短的文本。</translation>
    </message>
    <message>
        <source>The schema isn&apos;t JSON: line {line}, column {column}.</source>
        <translation>Schema 不是有效的 JSON：第 {line} 行，第 {column} 列。</translation>
    </message>
    <message>
        <source>The schema is wrong at {place}: “{keyword}” can&apos;t have this value.</source>
        <translation>Schema 在 {place} 处有误：“{keyword}”不能取这个值。</translation>
    </message>
    <message>
        <source>The schema contains “{keyword}” at {place}, which isn&apos;t supported. Remove it.</source>
        <translation>Schema 在 {place} 处使用了不支持的“{keyword}”。请将其删除。</translation>
    </message>
    <message>
        <source>The schema allows too many combinations. Use fewer alternatives, or smaller limits for lengths and counts.</source>
        <translation>Schema 的组合过多。请减少可选项，或缩小长度和数量的范围。</translation>
    </message>
    <message>
        <source>No value can match the schema. Check what it requires.</source>
        <translation>没有任何值能符合这个 Schema。请检查它的要求。</translation>
    </message>
    <message>
        <source>The grammar isn&apos;t valid GBNF ({detail}). Correct it and try again.</source>
        <translation>语法不是有效的 GBNF（{detail}）。请修正后重试。</translation>
    </message>
    <message>
        <source>The answer was stopped because its grammar takes too much time. Use one in which alternatives differ earlier.</source>
        <translation>语法的计算耗时过长，回答已停止。请使用各分支更早出现差异的语法。</translation>
    </message>
    <message>
        <source>Servers don&apos;t accept a grammar. Use a JSON schema or a local model.</source>
        <translation>服务器不接受语法。请使用 JSON Schema 或本地模型。</translation>
    </message>
    <message>
        <source>The answer can&apos;t be continued in the chosen format, because it begins differently. Try again instead.</source>
        <translation>回答的开头不符合所选格式，无法续写。请改为重试。</translation>
    </message>
    <message>
        <source>{id} isn&apos;t on this computer yet. Download it first in the models dialog or with apus-chat models download.</source>
        <translation>这台电脑上还没有 {id}。请先在模型对话框中或使用 apus-chat models download 下载。</translation>
    </message>
    <message>
        <source>{id} is listed because it&apos;s in the folder {folder}. Delete the file, or remove the folder from the list.</source>
        <translation>{id} 位于文件夹 {folder} 中，因此显示在列表里。请删除该文件，或将该文件夹移出列表。</translation>
    </message>
    <message>
        <source>{path} is an unfinished download. Let the program that started it finish it first.</source>
        <translation>{path} 是未完成的下载。请先在开始下载它的程序中完成下载。</translation>
    </message>
    <message>
        <source>{path} was quarantined because it doesn&apos;t match the published file. Re-download its damaged parts in the models dialog, or download it again.</source>
        <translation>{path} 与发布的文件不符，已被隔离。请在模型对话框中重新下载损坏的部分，或重新下载整个文件。</translation>
    </message>
    <message>
        <source>{path} isn&apos;t quarantined. Choose a file whose name ends in .gguf.bad.</source>
        <translation>{path} 未被隔离。请选择名称以 .gguf.bad 结尾的文件。</translation>
    </message>
    <message>
        <source>{path} is a link into another program&apos;s folder. Manage the file in that program.</source>
        <translation>{path} 是指向另一个程序文件夹的链接。请在那个程序中管理该文件。</translation>
    </message>
    <message>
        <source>{path} belongs to the program that manages {folder}. Delete it there, or remove the folder from the list.</source>
        <translation>{path} 属于管理 {folder} 的程序。请在那个程序中删除它，或将该文件夹移出列表。</translation>
    </message>
    <message>
        <source>Can&apos;t delete {path} ({detail}). Close any program that has it open, and try again.</source>
        <translation>无法删除 {path}（{detail}）。请关闭正在使用它的程序后重试。</translation>
    </message>
    <message>
        <source>The folder {path} doesn&apos;t exist. Connect its drive, or choose another folder.</source>
        <translation>文件夹 {path} 不存在。请连接它所在的驱动器，或选择其他文件夹。</translation>
    </message>
    <message>
        <source>No model files found in {path}. Choose a folder that contains .gguf files.</source>
        <translation>{path} 中没有找到模型文件。请选择含有 .gguf 文件的文件夹。</translation>
    </message>
    <message>
        <source>One of the folders {path} and {other} is inside the other. Choose a folder outside it.</source>
        <translation>文件夹 {path} 与 {other} 互相嵌套。请选择不在其中的文件夹。</translation>
    </message>
    <message>
        <source>Another window or process is moving the models folder. Wait until it finishes.</source>
        <translation>另一个窗口或进程正在移动模型文件夹。请等待完成。</translation>
    </message>
    <message>
        <source>Moving the models from {path} to {target} isn&apos;t finished. Finish or cancel that move first.</source>
        <translation>将模型从 {path} 移动到 {target} 的操作尚未完成。请先完成或取消这次移动。</translation>
    </message>
    <message>
        <source>{path} is being downloaded, converted or joined. Pause it or let it finish, then move the models folder.</source>
        <translation>{path} 正在下载、转换或合并。请先暂停或等待完成，再移动模型文件夹。</translation>
    </message>
    <message>
        <source>Everything was moved, but {path} in the old folder can&apos;t be deleted ({detail}). Close any program that has it open, then move to the same folder again.</source>
        <translation>所有内容都已移动，但无法删除旧文件夹中的 {path}（{detail}）。请关闭正在使用它的程序，然后再次移动到同一文件夹。</translation>
    </message>
    <message>
        <source>The data read back from {path} doesn&apos;t match what was written. Nothing was moved. Check the disk, or choose another one.</source>
        <translation>从 {path} 读回的数据与写入的不一致。没有移动任何文件。请检查磁盘，或选择其他磁盘。</translation>
    </message>
    <message>
        <source>Magnet links require libtorrent, which isn&apos;t installed. Run {command} in a terminal, then try again.</source>
        <translation>磁力链接需要 libtorrent，目前尚未安装。请在终端中运行 {command}，然后重试。</translation>
    </message>
    <message>
        <source>The magnet link isn&apos;t valid ({detail}). Copy the whole link again, starting with magnet:.</source>
        <translation>磁力链接无效（{detail}）。请重新复制以 magnet: 开头的完整链接。</translation>
    </message>
    <message>
        <source>The magnet link ({name}) contains no GGUF model. Find another link.</source>
        <translation>该磁力链接（{name}）中没有 GGUF 模型。请换一个链接。</translation>
    </message>
    <message>
        <source>The magnet link contains several models. To choose one, add &amp; and one of these to the end of the link: {known}.</source>
        <translation>该磁力链接包含多个模型。请在链接末尾加上 &amp; 和以下之一来指定：{known}。</translation>
    </message>
    <message>
        <source>No peer with the remaining files can be reached ({peers} connected). Keep the download running, or download the model from a hub.</source>
        <translation>没有可连接的节点拥有其余文件（已连接 {peers} 个）。请让下载继续运行，或从 Hub 下载该模型。</translation>
    </message>
    <message>
        <source>The magnet link download failed ({detail}). Start it again to continue from the data you already have.</source>
        <translation>磁力链接下载失败（{detail}）。请重新开始，下载会从已有的部分继续。</translation>
    </message>
    <message>
        <source>The connection to {host} was lost ({detail}). Check the network, or choose another mirror.</source>
        <translation>与 {host} 的连接中断（{detail}）。请检查网络，或选择其他镜像。</translation>
    </message>
    <message>
        <source>{host} hasn&apos;t sent any data for {seconds} s. Check the network, or choose another mirror.</source>
        <translation>{host} 已有 {seconds} 秒没有发送数据。请检查网络，或选择其他镜像。</translation>
    </message>
    <message>
        <source>{host} isn&apos;t accepting requests right now (status {status}). Wait a moment, or choose another mirror.</source>
        <translation>{host} 暂时不接受请求（状态码 {status}）。请稍候，或选择其他镜像。</translation>
    </message>
    <message>
        <source>{host} refused the request (status {status}). Choose another mirror, or check the access token.</source>
        <translation>{host} 拒绝了请求（状态码 {status}）。请选择其他镜像，或检查访问令牌。</translation>
    </message>
    <message>
        <source>{host} sent an unexpected response ({detail}). A proxy may be interfering. Choose another mirror or another proxy.</source>
        <translation>{host} 返回了意外的内容（{detail}）。可能是代理造成的干扰，请选择其他镜像或其他代理。</translation>
    </message>
    <message>
        <source>{url} isn&apos;t a valid address. Check the hub address in the settings.</source>
        <translation>{url} 不是有效的地址。请检查设置中的 Hub 地址。</translation>
    </message>
    <message>
        <source>{host} redirects in a loop. Choose another mirror, or try again later.</source>
        <translation>{host} 陷入循环重定向。请选择其他镜像，或稍后重试。</translation>
    </message>
    <message>
        <source>The download link from {host} has expired (status {status}). Getting a new one; no action is needed.</source>
        <translation>{host} 的下载链接已失效（状态码 {status}）。正在获取新链接，请稍候。</translation>
    </message>
    <message>
        <source>{host} sent a web page instead of the file. If this network requires you to sign in, open any page in a browser first. Otherwise, choose another mirror.</source>
        <translation>{host} 返回的是网页，而不是文件。如果此网络需要登录，请先在浏览器中打开任意网页；否则请选择其他镜像。</translation>
    </message>
    <message>
        <source>The certificate of {host} isn&apos;t trusted ({detail}). Check the system clock, and whether this network requires you to sign in or inspects traffic, or choose another mirror.</source>
        <translation>{host} 的证书不受信任（{detail}）。请检查系统时间，以及此网络是否需要登录或会检查流量；也可以选择其他镜像。</translation>
    </message>
    <message>
        <source>The proxy {proxy} blocks the connection ({detail}). Check the proxy in the settings.</source>
        <translation>代理 {proxy} 阻止了连接（{detail}）。请检查设置中的代理。</translation>
    </message>
    <message>
        <source>{repository} is available only to people who have accepted its terms. Accept them on {host}, then enter an access token for your account in the settings.</source>
        <translation>{repository} 只对接受其条款的用户开放。请在 {host} 上接受条款，然后在设置中填写你账号的访问令牌。</translation>
    </message>
    <message>
        <source>The access token in the settings has no access to {repository}. Accept the model&apos;s terms on {host} with the same account, or enter another access token.</source>
        <translation>设置中的访问令牌无权访问 {repository}。请用同一账号在 {host} 上接受该模型的条款，或填写其他访问令牌。</translation>
    </message>
    <message>
        <source>{host} doesn&apos;t recognise the access token in the settings. Enter a new one, or remove it.</source>
        <translation>{host} 无法识别设置中的访问令牌。请填写新的访问令牌，或将其移除。</translation>
    </message>
    <message>
        <source>{host} has no version {revision} of {repository}. Choose another mirror.</source>
        <translation>{host} 上没有 {repository} 的版本 {revision}。请选择其他镜像。</translation>
    </message>
    <message>
        <source>{host} has no file {name} in {repository}. Choose another mirror, or search for the model again.</source>
        <translation>{host} 上的 {repository} 中没有文件 {name}。请选择其他镜像，或重新搜索该模型。</translation>
    </message>
    <message>
        <source>The file on {host} is {bytes}, but the published size is {expected_bytes}. Choose another mirror, or search for the model again.</source>
        <translation>{host} 上的文件大小为 {bytes}，而发布的大小为 {expected_bytes}。请选择其他镜像，或重新搜索该模型。</translation>
    </message>
    <message>
        <source>The published {name} is {bytes}, but its header requires {expected_bytes}: part of it is missing. Choose another repository.</source>
        <translation>发布的 {name} 大小为 {bytes}，而按文件头应为 {expected_bytes}，缺少一部分。请选择其他仓库。</translation>
    </message>
    <message>
        <source>The file published as {name} is only a Git LFS pointer, not the model. Choose another mirror or another repository.</source>
        <translation>发布的 {name} 只是一个 Git LFS 指针，而不是模型。请选择其他镜像或其他仓库。</translation>
    </message>
    <message>
        <source>The file published as {name} is a web page, not a model. Choose another mirror or another repository.</source>
        <translation>发布的 {name} 是网页，而不是模型。请选择其他镜像或其他仓库。</translation>
    </message>
    <message>
        <source>The hub uses the file name {name}, which isn&apos;t safe for a model file. Choose another repository.</source>
        <translation>Hub 给出的文件名 {name} 不能安全地用作模型文件名。请选择其他仓库。</translation>
    </message>
    <message>
        <source>Another window or process is downloading {path}. Wait until it finishes.</source>
        <translation>另一个窗口或进程正在下载 {path}。请等待完成。</translation>
    </message>
    <message>
        <source>The downloaded {name} doesn&apos;t match the published file and was quarantined as {path}. Re-download the damaged parts, preferably from another mirror.</source>
        <translation>下载的 {name} 与发布的文件不符，已隔离为 {path}。请重新下载损坏的部分，最好使用其他镜像。</translation>
    </message>
    <message>
        <source>Another file named {path} already exists. Move or delete it, then download again.</source>
        <translation>已存在另一个文件 {path}。请将其移走或删除，然后重新下载。</translation>
    </message>
    <message>
        <source>{path} contains {bytes} of an older version of this model; the rest of that version is no longer available. Cancel that download, which deletes this data, and start over.</source>
        <translation>{path} 中有该模型旧版本的 {bytes} 数据，而旧版本的其余部分已无法获取。请取消该下载（会删除这些数据），然后重新开始。</translation>
    </message>
    <message>
        <source>The origin of {path} is unknown, so its damaged parts can&apos;t be re-downloaded. Download the whole file again.</source>
        <translation>{path} 的来源未知，无法只重新下载损坏的部分。请重新下载整个文件。</translation>
    </message>
    <message>
        <source>{path} has {free_bytes} free, but {needed_bytes} are needed. Free some space, or move the models folder to another drive.</source>
        <translation>{path} 可用空间为 {free_bytes}，需要 {needed_bytes}。请腾出空间，或将模型文件夹移到其他驱动器。</translation>
    </message>
    <message>
        <source>The disk is full, so {path} can&apos;t be written. Free some space and resume. The data downloaded so far is kept.</source>
        <translation>磁盘已满，{path} 无法继续写入。请腾出空间后继续下载，已下载的内容会保留。</translation>
    </message>
    <message>
        <source>The disk reported an error at {path} ({detail}). Check the drive, or choose another models folder.</source>
        <translation>磁盘在 {path} 处报告错误（{detail}）。请检查驱动器，或选择其他模型文件夹。</translation>
    </message>
    <message>
        <source>{path} is one of {count} split parts of a model. Join them first, in the models dialog or with apus-chat models repair.</source>
        <translation>{path} 是模型的 {count} 个分卷之一。请先合并：在模型对话框中操作，或使用 apus-chat models repair。</translation>
    </message>
    <message>
        <source>Nothing was deleted. {path} takes up {bytes}. To delete it permanently, add --delete --yes.</source>
        <translation>没有删除任何内容。{path} 占用 {bytes}。要永久删除，请加上 --delete --yes。</translation>
    </message>
    <message>
        <source>{address} isn&apos;t a valid endpoint address. It must start with https:// and include a host name.</source>
        <translation>{address} 不是有效的接口地址。地址应以 https:// 开头并包含主机名。</translation>
    </message>
    <message>
        <source>{address} isn&apos;t a valid proxy address. Use the form http://HOST:PORT or socks5://HOST:PORT.</source>
        <translation>{address} 不是有效的代理地址。请使用 http://主机:端口 或 socks5://主机:端口 的格式。</translation>
    </message>
    <message>
        <source>No mirror can be reached. Check the network and the proxy, then test again.</source>
        <translation>所有镜像都无法连接。请检查网络和代理，然后重新测试。</translation>
    </message>
    <message>
        <source>The experts in {path} differ in type or shape ({tensor}), so they can&apos;t be stacked, and no current engine loads them in this form. Choose another quantisation, or a file made after April 2024.</source>
        <translation>{path} 中各专家的类型或形状不一致（{tensor}），无法堆叠，现有的引擎也无法直接加载。请选择其他量化版本，或 2024 年 4 月之后制作的文件。</translation>
    </message>
    <message>
        <source>{path} doesn&apos;t contain all experts of a layer: {tensor} is missing. Download the file again, or choose another one.</source>
        <translation>{path} 中某一层的专家不全：缺少 {tensor}。请重新下载该文件，或选择其他文件。</translation>
    </message>
    <message>
        <source>{path} is one of {count} files of a model made before April 2024. Its experts can only be stacked in a single file. Merge the files with llama-gguf-split --merge and convert the result, or choose a newer file.</source>
        <translation>{path} 是 2024 年 4 月之前制作的模型的 {count} 个文件之一，其专家只能在单个文件中堆叠。请用 llama-gguf-split --merge 合并这些文件后再转换，或选择较新的文件。</translation>
    </message>
    <message>
        <source>{path} doesn&apos;t need to be converted. Use it directly.</source>
        <translation>{path} 无需转换，请直接使用。</translation>
    </message>
    <message>
        <source>{path} is already being converted. Wait until it finishes.</source>
        <translation>{path} 正在转换。请等待完成。</translation>
    </message>
    <message>
        <source>Not enough disk space to convert {path}: {needed_bytes} are needed and {free_bytes} are free. Free some space, or convert it into a folder on another drive.</source>
        <translation>磁盘空间不足，无法转换 {path}：需要 {needed_bytes}，可用 {free_bytes}。请腾出空间，或转换到其他驱动器的文件夹中。</translation>
    </message>
    <message>
        <source>The conversion of {path} was interrupted. Until it&apos;s finished, the file is kept as {working} and can&apos;t be used. Start the conversion again to continue.</source>
        <translation>{path} 的转换已中断。完成之前，文件保存为 {working}，无法使用。请再次启动转换以继续。</translation>
    </message>
    <message>
        <source>The conversion of {path} can&apos;t continue ({detail}). Nothing is lost: the file is kept as {working} until the conversion is finished. Check the disk, then start the conversion again.</source>
        <translation>{path} 的转换无法继续（{detail}）。没有丢失任何内容：转换完成之前，文件保存为 {working}。请检查磁盘，然后再次启动转换。</translation>
    </message>
    <message>
        <source>Another file named {path} now exists, so the partly converted {working} can&apos;t be renamed back. Move the other file, then start the conversion again.</source>
        <translation>现在已有另一个文件 {path}，部分转换的 {working} 无法恢复原名。请移走那个文件，然后再次启动转换。</translation>
    </message>
    <message>
        <source>{working} is a partly converted file, and the record of its progress is missing. The conversion can&apos;t be finished. Delete the file and download it again.</source>
        <translation>{working} 是部分转换的文件，而转换进度的记录已丢失，无法完成转换。请删除它并重新下载。</translation>
    </message>
    <message>
        <source>{name} isn&apos;t named like a split part of a model file. Choose parts of the same file, such as MODEL.gguf.part1of2 and MODEL.gguf.part2of2.</source>
        <translation>{name} 的名称不像模型文件的分卷。请选择同一文件的各个分卷，例如 MODEL.gguf.part1of2 和 MODEL.gguf.part2of2。</translation>
    </message>
    <message>
        <source>The parts of {name} are named inconsistently, so their order is unclear: {parts}. Keep only one set of parts in the folder.</source>
        <translation>{name} 的分卷命名方式不一致，无法确定顺序：{parts}。请在文件夹中只保留其中一套。</translation>
    </message>
    <message>
        <source>Some parts of {name} are missing: {missing}. Put all its parts in one folder, then try again.</source>
        <translation>{name} 缺少分卷：{missing}。请把所有分卷放进同一个文件夹，然后重试。</translation>
    </message>
    <message>
        <source>The parts of {name} are in different folders. Put them in one folder, then try again.</source>
        <translation>{name} 的分卷位于不同的文件夹中。请把它们放进同一个文件夹，然后重试。</translation>
    </message>
    <message>
        <source>{path} is a separate model file, not a part that can be joined to others. Restore its published name, then open the first file of its set.</source>
        <translation>{path} 是独立的模型文件，不是可以与其他文件合并的分卷。请恢复它发布时的名称，然后打开这组文件中的第一个。</translation>
    </message>
    <message>
        <source>The parts of {name} don&apos;t match: their total size is {bytes}, but the file should be {expected_bytes}. Check whether a part is missing or belongs to another file, and download that part again.</source>
        <translation>{name} 的分卷大小不符：合计 {bytes}，而文件应为 {expected_bytes}。请检查是否缺少分卷或混入了其他文件的分卷，并重新下载相应的分卷。</translation>
    </message>
    <message>
        <source>The parts of {path} are already being joined. Wait until that finishes.</source>
        <translation>正在合并 {path} 的分卷。请等待完成。</translation>
    </message>
    <message>
        <source>Not enough disk space to join the parts of {path}: {needed_bytes} are needed and {free_bytes} are free. Free some space, then start again.</source>
        <translation>磁盘空间不足，无法合并 {path} 的分卷：需要 {needed_bytes}，可用 {free_bytes}。请腾出空间后重新开始。</translation>
    </message>
    <message>
        <source>Joining the parts of {path} was interrupted. Until it&apos;s finished, the file is kept as {working}. Start it again to continue.</source>
        <translation>{path} 的分卷合并已中断。完成之前，文件保存为 {working}。请再次启动合并以继续。</translation>
    </message>
    <message>
        <source>Joining the parts of {path} can&apos;t continue ({detail}). Nothing is lost. Check the disk, then start it again.</source>
        <translation>{path} 的分卷合并无法继续（{detail}）。没有丢失任何内容。请检查磁盘，然后再次启动合并。</translation>
    </message>
    <message>
        <source>{working} is a partly joined file, and its remaining parts or the record about them are missing. It can&apos;t be finished. Download the parts again.</source>
        <translation>{working} 是部分合并的文件，而其余分卷或其记录已丢失，无法完成合并。请重新下载各个分卷。</translation>
    </message>
    <message>
        <source>The server used for this conversation is no longer in the list. Choose another model, or add the server again.</source>
        <translation>此对话使用的服务器已不在列表中。请选择其他模型，或重新添加该服务器。</translation>
    </message>
    <message>
        <source>{url} isn&apos;t a valid server address. Use the form http://127.0.0.1:8000/v1.</source>
        <translation>{url} 不是有效的服务器地址。地址格式如 http://127.0.0.1:8000/v1。</translation>
    </message>
    <message>
        <source>Can&apos;t reach {host} ({detail}). Check the network and the address, and that the server is running.</source>
        <translation>无法连接 {host}（{detail}）。请检查网络连接和地址，并确认服务器正在运行。</translation>
    </message>
    <message>
        <source>{host} hasn&apos;t responded for {seconds} seconds. It may be overloaded. Try again later.</source>
        <translation>{host} 已有 {seconds} 秒没有响应，可能负载过高。请稍后重试。</translation>
    </message>
    <message>
        <source>The connection to {host} was lost before the answer was complete. The text received so far is kept. Continue or try again.</source>
        <translation>与 {host} 的连接在回答完成前中断。已收到的内容会保留，可以继续或重试。</translation>
    </message>
    <message>
        <source>{host} requires an API key. Enter it in the settings under Servers.</source>
        <translation>{host} 需要 API 密钥。请在“设置 &gt; 服务器”中填写。</translation>
    </message>
    <message>
        <source>{host} doesn&apos;t accept the API key. Enter the correct one in the settings under Servers.</source>
        <translation>{host} 不接受该 API 密钥。请在“设置 &gt; 服务器”中填写正确的密钥。</translation>
    </message>
    <message>
        <source>{host} can&apos;t prove that it is the PC whose API key you entered, so nothing was sent to it. If APUS Chat was reinstalled there, enter its new API key in the settings under Servers. If encryption was turned off there, remove the server and add it again.</source>
        <translation>无法确认 {host} 就是你所填 API 密钥对应的电脑，因此没有向它发送任何内容。如果那台电脑重新安装了 APUS Chat，请在设置的“服务器”中填写新的 API 密钥；如果那里关闭了加密，请移除该服务器并重新添加。</translation>
    </message>
    <message>
        <source>{host} has a certificate that only an API key of APUS Chat can vouch for. Copy the whole key from the settings of that PC, under Local server.</source>
        <translation>{host} 的证书只能由 APUS Chat 的 API 密钥验证。请从那台电脑设置的“本地服务”中复制完整的密钥。</translation>
    </message>
    <message>
        <source>{host} accepts encrypted connections only. Copy its API key from the settings of that PC, under Local server, and enter it in the settings under Servers.</source>
        <translation>{host} 只接受加密连接。请从那台电脑设置的“本地服务”中复制 API 密钥，并填写到设置的“服务器”中。</translation>
    </message>
    <message>
        <source>{url} doesn&apos;t respond like an OpenAI-compatible server ({detail}). Check the address; most end in /v1.</source>
        <translation>{url} 的响应不符合 OpenAI 兼容服务器的格式（{detail}）。请检查地址；多数地址以 /v1 结尾。</translation>
    </message>
    <message>
        <source>{host} isn&apos;t accepting requests right now ({detail}). Wait a moment and try again.</source>
        <translation>{host} 暂时不接受请求（{detail}）。请稍候再试。</translation>
    </message>
    <message>
        <source>{host} reported an error ({detail}). Try again, or see the server&apos;s log for more information.</source>
        <translation>{host} 出错（{detail}）。请重试，或查看服务器的日志了解详细信息。</translation>
    </message>
    <message>
        <source>{host} refused the request ({detail}). Change the conversation settings, or choose another model.</source>
        <translation>{host} 拒绝了请求（{detail}）。请调整对话设置，或选择其他模型。</translation>
    </message>
    <message>
        <source>{host} doesn&apos;t offer {model}. Choose one of its models, listed in the settings under Servers.</source>
        <translation>{host} 不提供 {model}。请选择它提供的模型，可在“设置 &gt; 服务器”中查看。</translation>
    </message>
    <message>
        <source>The conversation is longer than {host} accepts ({detail}). Leave out the oldest messages, start a new conversation, or choose a model with a longer context.</source>
        <translation>对话超出了 {host} 允许的长度（{detail}）。请略去最早的消息、新建对话，或选择上下文更长的模型。</translation>
    </message>
    <message>
        <source>The environment variable {name} contains no key. Set it first.</source>
        <translation>环境变量 {name} 中没有密钥。请先设置。</translation>
    </message>
    <message>
        <source>{host} lists no models. Load one on the server, then try again.</source>
        <translation>{host} 没有列出任何模型。请先在服务器上加载一个，然后重试。</translation>
    </message>
    <message>
        <source>Fits on {device} with {context} context, {left} left.</source>
        <translation>可放入 {device}，上下文 {context}，剩余 {left}。</translation>
    </message>
    <message>
        <source>Fits on your two GPUs with {context} context, {left} left on {device}.</source>
        <translation>可放入两块 GPU，上下文 {context}，{device} 剩余 {left}。</translation>
    </message>
    <message>
        <source>Fits on your {count} GPUs with {context} context, {left} left on {device}.</source>
        <translation>可放入 {count} 块 GPU，上下文 {context}，{device} 剩余 {left}。</translation>
    </message>
    <message>
        <source>About {speed} tokens/s with {context} context. The experts of {experts} of its {layers} layers are in RAM ({ram}), the rest is on the GPU; it reads prompts at {reading} tokens/s.</source>
        <translation>约 {speed} token/秒，上下文 {context}。{layers} 层中有 {experts} 层的专家放在内存中（{ram}），其余在 GPU 上；阅读问题和附件约 {reading} token/秒。</translation>
    </message>
    <message>
        <source>About {speed} tokens/s with {context} context. {on_devices} of its {layers} layers are on the GPU, the rest is in RAM ({ram}); it reads prompts at {reading} tokens/s.</source>
        <translation>约 {speed} token/秒，上下文 {context}。{layers} 层中有 {on_devices} 层在 GPU 上，其余在内存中（{ram}）；阅读问题和附件约 {reading} token/秒。</translation>
    </message>
    <message>
        <source>About {speed} tokens/s with {context} context. It runs on the CPU and uses {ram} of RAM; it reads prompts at {reading} tokens/s.</source>
        <translation>约 {speed} token/秒，上下文 {context}。用 CPU 运行，占用内存 {ram}；阅读问题和附件约 {reading} token/秒。</translation>
    </message>
    <message>
        <source>Doesn&apos;t fit: it needs {ram} of RAM, and {available} are free; other programs use the rest. What doesn&apos;t fit would be read from the disk again for every token, which is very slow. Close other programs, or choose a smaller model or a shorter context.</source>
        <translation>放不下：需要 {ram} 内存，可用 {available}，其余被其他程序占用。放不下的部分每生成一个 token 都要重新从硬盘读取，会非常慢。请关闭其他程序，或选择更小的模型、更短的上下文。</translation>
    </message>
    <message>
        <source>Doesn&apos;t fit: it needs {ram} of RAM, and this computer has {total}. What doesn&apos;t fit would be read from the disk again for every token, which is very slow. Choose a smaller model, or use a server.</source>
        <translation>放不下：需要 {ram} 内存，而这台电脑只有 {total}。放不下的部分每生成一个 token 都要重新从硬盘读取，会非常慢。请选择更小的模型，或使用服务器。</translation>
    </message>
    <message>
        <source>Doesn&apos;t fit: {device} needs {lacking} more memory for the manual settings. Reset to automatic, or place fewer layers on it.</source>
        <translation>放不下：按手动设置，{device} 还差 {lacking}。请恢复自动，或减少放在该设备上的层。</translation>
    </message>
    <message>
        <source>The context is limited to the length the model was trained with.</source>
        <translation>上下文不能超过模型训练时的长度。</translation>
    </message>
    <message>
        <source>With a shorter context it would fit entirely on the GPU and answer faster.</source>
        <translation>缩短上下文后可以完全放入显存，回答更快。</translation>
    </message>
    <message>
        <source>An 8-bit KV cache makes everything fit.</source>
        <translation>使用 8 位 KV 缓存即可全部放下。</translation>
    </message>
    <message>
        <source>An 8-bit KV cache keeps more of it on the GPU.</source>
        <translation>使用 8 位 KV 缓存可以让更多内容留在 GPU 上。</translation>
    </message>
    <message>
        <source>Its sliding windows keep only what they need; editing an early message means processing the conversation again.</source>
        <translation>滑动窗口只保留所需的部分；修改较早的消息后，需要重新处理整个对话。</translation>
    </message>
    <message>
        <source>This model can&apos;t use the selected KV cache type.</source>
        <translation>该模型不支持所选的 KV 缓存类型。</translation>
    </message>
    <message>
        <source>Flash attention stays on because the selected KV cache type requires it.</source>
        <translation>所选的 KV 缓存类型需要 Flash Attention，因此保持开启。</translation>
    </message>
    <message>
        <source>One of the GPUs isn&apos;t used.</source>
        <translation>有一块 GPU 未使用。</translation>
    </message>
    <message>
        <source>The engine uses at most 16 GPUs; the largest ones are selected.</source>
        <translation>引擎最多使用 16 块 GPU，已选用其中最大的。</translation>
    </message>
    <message>
        <source>There isn&apos;t enough RAM for a second, faster copy of the weights, so long prompts are processed more slowly.</source>
        <translation>内存不足以再存放一份更快的权重副本，因此处理长提示词会慢一些。</translation>
    </message>
    <message>
        <source>The GPU doesn&apos;t compute with weights in RAM, so the CPU processes that part of prompts.</source>
        <translation>GPU 不处理内存中的权重，这部分提示词由 CPU 读取。</translation>
    </message>
    <message>
        <source>Memory use for this type of model is an estimate; the actual amount may differ slightly.</source>
        <translation>这类模型的内存占用是估算值，实际可能略有出入。</translation>
    </message>
    <message>
        <source>Memory use for this split mode is an estimate.</source>
        <translation>此切分方式的内存占用是估算值。</translation>
    </message>
    <message>
        <source>The speed was measured on this computer.</source>
        <translation>速度是在这台电脑上实测的。</translation>
    </message>
    <message>
        <source>The GPU speed is an estimate.</source>
        <translation>GPU 速度是估算值。</translation>
    </message>
    <message>
        <source>The program checks these figures when it loads the model.</source>
        <translation>加载模型时会自动核对这些数值。</translation>
    </message>
    <message>
        <source>Not enough memory. Trying a smaller plan. {plan}</source>
        <translation>内存不足，正在尝试更小的方案。{plan}</translation>
    </message>
    <message>
        <source>{server} isn&apos;t available right now, so the model is loaded without it. {plan}</source>
        <translation>{server} 目前不可用，因此不使用它来加载模型。{plan}</translation>
    </message>
    <message>
        <source>Best quality that fits entirely on the GPU.</source>
        <translation>能完全放入显存的最佳质量。</translation>
    </message>
    <message>
        <source>Best quality that is fast enough when partly in RAM.</source>
        <translation>部分放在内存中、速度仍然够用的最佳质量。</translation>
    </message>
    <message>
        <source>Smallest version; the others would be even slower.</source>
        <translation>最小的版本，其他版本会更慢。</translation>
    </message>
    <message>
        <source>A higher quality also fits.</source>
        <translation>更高的质量也放得下。</translation>
    </message>
    <message>
        <source>Runs, but slowly.</source>
        <translation>可以运行，但很慢。</translation>
    </message>
    <message>
        <source>Doesn&apos;t fit on this computer.</source>
        <translation>这台电脑放不下。</translation>
    </message>
    <message>
        <source>The fact has no text. Write a short sentence.</source>
        <translation>没有内容。请写一句简短的话。</translation>
    </message>
    <message>
        <source>The fact has {characters} characters; up to {limit} are possible. Shorten it.</source>
        <translation>内容有 {characters} 个字符，最多 {limit} 个。请缩短。</translation>
    </message>
    <message>
        <source>The memory is full ({limit_bytes}). Delete facts in Settings &gt; Memory first.</source>
        <translation>记忆已满（{limit_bytes}）。请先在“设置 &gt; 记忆”中删除一些内容。</translation>
    </message>
    <message>
        <source>This fact was deleted meanwhile. Open the settings again.</source>
        <translation>此条记忆已被删除。请重新打开设置。</translation>
    </message>
    <message>
        <source>{name} is a part of the program and can&apos;t be removed.</source>
        <translation>“{name}”是程序自带的，无法移除。</translation>
    </message>
    <message>
        <source>There&apos;s no search service yet. Choose one in Settings &gt; Tools.</source>
        <translation>还没有搜索服务。请在“设置 &gt; 工具”中选择。</translation>
    </message>
    <message>
        <source>{service} needs an API key. Enter it in Settings &gt; Tools.</source>
        <translation>{service} 需要 API 密钥。请在“设置 &gt; 工具”中填写。</translation>
    </message>
    <message>
        <source>{host} refused the API key. Check it in Settings &gt; Tools.</source>
        <translation>{host} 拒绝了 API 密钥。请在“设置 &gt; 工具”中检查。</translation>
    </message>
    <message>
        <source>{host} refused the search (HTTP {status}). Try again later.</source>
        <translation>{host} 拒绝了搜索（HTTP {status}）。请稍后重试。</translation>
    </message>
    <message>
        <source>{host} doesn&apos;t give its results to programs. Choose a SearXNG instance that has the format json.</source>
        <translation>{host} 不向程序提供结果。请选择启用了 json 格式的 SearXNG 实例。</translation>
    </message>
    <message>
        <source>{host} sent something other than search results. Check its address in Settings &gt; Tools.</source>
        <translation>{host} 返回的不是搜索结果。请在“设置 &gt; 工具”中检查地址。</translation>
    </message>
    <message>
        <source>The search service {host} can&apos;t be reached ({detail}). Check the network.</source>
        <translation>无法连接搜索服务 {host}（{detail}）。请检查网络。</translation>
    </message>
    <message>
        <source>The search service {host} didn&apos;t answer within {seconds} s. Try again later.</source>
        <translation>搜索服务 {host} 在 {seconds} 秒内没有响应。请稍后重试。</translation>
    </message>
    <message>
        <source>The search service {host} sent more than {limit_bytes}. Try other words.</source>
        <translation>搜索服务 {host} 返回的内容超过 {limit_bytes}。请换用其他关键词。</translation>
    </message>
    <message>
        <source>{host} refused the page (HTTP {status}). Try another page.</source>
        <translation>{host} 拒绝提供网页（HTTP {status}）。请换一个网页。</translation>
    </message>
    <message>
        <source>The page at {host} contains no text. Try another page.</source>
        <translation>{host} 上的网页没有文字。请换一个网页。</translation>
    </message>
    <message>
        <source>{host} can&apos;t be reached ({detail}). Check the address, or try another page.</source>
        <translation>无法连接 {host}（{detail}）。请检查地址，或换一个网页。</translation>
    </message>
    <message>
        <source>{host} didn&apos;t answer within {seconds} s. Try another page.</source>
        <translation>{host} 在 {seconds} 秒内没有响应。请换一个网页。</translation>
    </message>
    <message>
        <source>The page at {host} is larger than {limit_bytes}. Try another page.</source>
        <translation>{host} 上的网页超过 {limit_bytes}。请换一个网页。</translation>
    </message>
    <message>
        <source>{host} is on this computer or in its network, which models can&apos;t read. Settings &gt; Tools can allow it.</source>
        <translation>{host} 位于本机或本地网络，模型不能读取。可以在“设置 &gt; 工具”中允许。</translation>
    </message>
    <message>
        <source>This isn&apos;t the configuration of an MCP server{reason}. Paste the JSON from its documentation, a command, or an address that starts with https://.</source>
        <translation>这不是 MCP 服务器的配置{reason}。请粘贴其文档中的 JSON、一条命令，或以 https:// 开头的地址。</translation>
    </message>
    <message>
        <source>This is neither JSON nor an address, and there&apos;s no program “{name}” on this computer. Paste what the documentation of the server says.</source>
        <translation>这既不是 JSON，也不是网址，这台电脑上也没有名为“{name}”的程序。请粘贴该服务器文档中给出的内容。</translation>
    </message>
    <message>
        <source>{name} uses the old SSE transport, which isn&apos;t supported. Use the server&apos;s streamable HTTP address.</source>
        <translation>{name} 使用旧的 SSE 传输方式，不受支持。请使用该服务器的 streamable HTTP 地址。</translation>
    </message>
    <message>
        <source>The model calls tools again and again, so its answer was stopped. Everything up to here is saved.</source>
        <translation>模型反复调用工具，回答已停止。此前的内容均已保存。</translation>
    </message>
    <message>
        <source>There&apos;s already a tool server {name}. Remove it first, or choose another name.</source>
        <translation>已有工具服务器 {name}。请先将其移除，或换一个名称。</translation>
    </message>
    <message>
        <source>There&apos;s no tool server {name}. apus-chat tools list shows them.</source>
        <translation>没有工具服务器 {name}。apus-chat tools list 会列出所有服务器。</translation>
    </message>
    <message>
        <source>The tool server {name} is switched off. Switch it on in Settings &gt; Tools.</source>
        <translation>工具服务器 {name} 已关闭。可在设置 &gt;“工具”中打开。</translation>
    </message>
    <message>
        <source>The program {command}, which starts {server}, wasn&apos;t found. Install it (npx comes with Node.js, uvx with uv), or give its full path.</source>
        <translation>找不到启动 {server} 的程序 {command}。请安装它（npx 随 Node.js 提供，uvx 随 uv 提供），或填写完整路径。</translation>
    </message>
    <message>
        <source>The tool server {server} stopped unexpectedly{reason}. Try again; if it stops again, check its command.</source>
        <translation>工具服务器 {server} 意外停止{reason}。请重试；如果再次停止，请检查其命令。</translation>
    </message>
    <message>
        <source>The tool server {server} didn&apos;t answer within {seconds} seconds. Check that it&apos;s an MCP server, and try again.</source>
        <translation>工具服务器 {server} 在 {seconds} 秒内没有响应。请确认它是 MCP 服务器，然后重试。</translation>
    </message>
    <message>
        <source>The tool server {server} refused the connection (HTTP {status}). Add it with a valid key in its headers.</source>
        <translation>工具服务器 {server} 拒绝连接（HTTP {status}）。请在其 headers 中填写有效的密钥后重新添加。</translation>
    </message>
    <message>
        <source>The tool server {server} at {host} can&apos;t be reached ({detail}). Check the address and the network.</source>
        <translation>无法连接到位于 {host} 的工具服务器 {server}（{detail}）。请检查地址和网络。</translation>
    </message>
    <message>
        <source>The tool server {server} sent more than {limit_bytes} at once and was disconnected. Ask for less.</source>
        <translation>工具服务器 {server} 一次发送的数据超过 {limit_bytes}，已断开连接。请减少请求的内容。</translation>
    </message>
    <message>
        <source>{server} doesn&apos;t answer as an MCP server ({detail}). Check the command or address in its documentation.</source>
        <translation>{server} 的响应不符合 MCP 协议（{detail}）。请对照其文档检查命令或地址。</translation>
    </message>
    <message>
        <source>The tool {tool} of {server} didn&apos;t answer within {seconds} seconds. Try again, or ask for less.</source>
        <translation>{server} 的工具 {tool} 在 {seconds} 秒内没有响应。请重试，或减少请求的内容。</translation>
    </message>
    <message>
        <source>The tool {tool} of {server} sent a result that can&apos;t be read ({detail}). Look for a newer version of it.</source>
        <translation>{server} 的工具 {tool} 返回的结果无法读取（{detail}）。请查找它的新版本。</translation>
    </message>
</context>
<context>
    <name>AboutSettings</name>
    <message>
        <source>Run diagnostics…</source>
        <translation>运行诊断…</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Version</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>APUS Chat {version}, licence Apache 2.0</source>
        <translation>APUS Chat {version}，采用 Apache 2.0 许可证</translation>
    </message>
    <message>
        <source>Privacy</source>
        <translation>隐私</translation>
    </message>
    <message>
        <source>There is no telemetry, no account and no update check. Model names, searches and downloads go to the hub or mirror under Downloads. Your messages and the facts of the memory leave this PC only when you use a model of a server. If you set them up, web search sends the words it looks for, MCP servers get what the model passes to them, and other PCs get parts of the computation or answers of the local server.</source>
        <translation>没有遥测（不收集使用数据），不需要账号，也不检查更新。模型名称、搜索和下载会发往“下载”中设置的网站或镜像。只有使用服务器上的模型时，你的消息和记忆才会离开这台电脑。如果你设置了以下功能：联网搜索会发送搜索词，MCP 服务器会收到模型传给它的内容，其他电脑会收到部分计算数据或本地服务的回答。</translation>
    </message>
    <message>
        <source>First steps and supported hardware. The user guide lists everything that is sent over the network.</source>
        <translation>入门步骤和支持的硬件。用户指南列出了所有会经网络发送的内容。</translation>
    </message>
    <message>
        <source>Documentation</source>
        <translation>文档</translation>
    </message>
    <message>
        <source>Diagnostics</source>
        <translation>诊断</translation>
    </message>
    <message>
        <source>Shows what works, what doesn&apos;t and how to fix it.</source>
        <translation>显示哪些正常、哪些有问题，以及如何解决。</translation>
    </message>
    <message>
        <source>No program is available that opens it. The file is {path}.</source>
        <translation>没有可打开它的程序。文件位置：{path}</translation>
    </message>
</context>
<context>
    <name>AllowedTools</name>
    <message>
        <source>Ask again</source>
        <translation>重新询问</translation>
    </message>
    <message>
        <source>Run without asking: {names}</source>
        <translation>无需询问即可运行：{names}</translation>
    </message>
</context>
<context>
    <name>AnswerFormat</name>
    <message>
        <source>Text</source>
        <translation>文本</translation>
    </message>
    <message>
        <source>JSON</source>
        <translation>JSON</translation>
    </message>
    <message>
        <source>JSON with a schema</source>
        <translation>按 Schema 输出 JSON</translation>
    </message>
    <message>
        <source>JSON schema</source>
        <translation>JSON Schema</translation>
    </message>
    <message>
        <source>Until then the last valid schema is used.</source>
        <translation>在此之前使用上一个有效的 Schema。</translation>
    </message>
</context>
<context>
    <name>AttachmentChip</name>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个 token</translation>
    </message>
    <message>
        <source>about {count} tokens</source>
        <translation>约 {count} 个 token</translation>
    </message>
    <message>
        <source>1 page</source>
        <translation>1 页</translation>
    </message>
    <message>
        <source>{count} pages</source>
        <translation>{count} 页</translation>
    </message>
    <message>
        <source>{size} · passages only</source>
        <translation>{size} · 只发送相关段落</translation>
    </message>
    <message>
        <source>The attachments don&apos;t fit in the context beside the conversation. For each question the model is given the passages that best match it. Choose a larger context to give it everything.</source>
        <translation>附件和对话一起超出上下文长度。每次提问时，会将最相关的段落提供给模型。选择更大的上下文可以提供全部内容。</translation>
    </message>
    <message>
        <source>The embedding model is reading the passages: {percent}%.</source>
        <translation>嵌入模型正在读取段落：{percent}%。</translation>
    </message>
    <message>
        <source>Show {name}, {size}</source>
        <translation>查看 {name}，{size}</translation>
    </message>
    <message>
        <source>{width} × {height}</source>
        <translation>{width} × {height}</translation>
    </message>
    <message>
        <source>not read by this model</source>
        <translation>此模型不支持图片</translation>
    </message>
    <message>
        <source>The selected model doesn&apos;t read pictures. Choose one that does.</source>
        <translation>所选模型不支持图片，请选择支持图片的模型。</translation>
    </message>
</context>
<context>
    <name>AttachmentLoader</name>
    <message>
        <source>Pictures, documents and text files (*.png *.jpg *.jpeg *.webp *.gif *.bmp *.avif *.tif *.tiff *.pdf *.docx *.pptx *.xlsx *.xls *.ods *.csv *.epub *.html *.htm *.txt *.md *.json *.log *.py *.c *.cpp *.h *.java *.js *.ts *.tex);;All files (*)</source>
        <translation>图片、文档和文本文件 (*.png *.jpg *.jpeg *.webp *.gif *.bmp *.avif *.tif *.tiff *.pdf *.docx *.pptx *.xlsx *.xls *.ods *.csv *.epub *.html *.htm *.txt *.md *.json *.log *.py *.c *.cpp *.h *.java *.js *.ts *.tex);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Attach files</source>
        <translation>添加附件</translation>
    </message>
    <message>
        <source>Pasted text</source>
        <translation>粘贴的文本</translation>
    </message>
    <message>
        <source>Pasted text {number}</source>
        <translation>粘贴的文本 {number}</translation>
    </message>
    <message>
        <source>Pasted picture</source>
        <translation>粘贴的图片</translation>
    </message>
    <message>
        <source>Pasted picture {number}</source>
        <translation>粘贴的图片 {number}</translation>
    </message>
</context>
<context>
    <name>AttachmentViewer</name>
    <message>
        <source>Attachment {name}</source>
        <translation>附件 {name}</translation>
    </message>
    <message>
        <source>What the model reads: {size}.</source>
        <translation>模型读取的内容：{size}。</translation>
    </message>
    <message>
        <source>The answer was made from 1 passage of it, which is marked.</source>
        <translation>回答使用了其中的 1 个段落，已标出。</translation>
    </message>
    <message>
        <source>The answer was made from {count} passages of it, which are marked.</source>
        <translation>回答使用了其中的 {count} 个段落，已标出。</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文本</translation>
    </message>
    <message>
        <source>Insert into message</source>
        <translation>插入到消息中</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Next passage</source>
        <translation>下一个段落</translation>
    </message>
    <message>
        <source>about {count} tokens</source>
        <translation>约 {count} 个 token</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个 token</translation>
    </message>
    <message>
        <source>1 page</source>
        <translation>1 页</translation>
    </message>
    <message>
        <source>{count} pages</source>
        <translation>{count} 页</translation>
    </message>
    <message>
        <source>1 line</source>
        <translation>1 行</translation>
    </message>
    <message>
        <source>{count} lines</source>
        <translation>{count} 行</translation>
    </message>
    <message>
        <source>{count} characters</source>
        <translation>{count} 个字符</translation>
    </message>
</context>
<context>
    <name>BackgroundDownloads</name>
    <message>
        <source>Remember my choice</source>
        <translation>记住我的选择</translation>
    </message>
    <message>
        <source>A download is still running.</source>
        <translation>下载还没有完成。</translation>
    </message>
    <message>
        <source>It can continue in the background until it is complete. If you quit, it pauses and continues at the next start.</source>
        <translation>可以在后台继续，直到下载完成。如果退出，下载会暂停，下次启动后继续。</translation>
    </message>
    <message>
        <source>Continue in the background</source>
        <translation>在后台继续</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Pause and quit</source>
        <translation>暂停并退出</translation>
    </message>
    <message>
        <source>Download complete</source>
        <translation>下载完成</translation>
    </message>
    <message>
        <source>{name} downloaded and verified.</source>
        <translation>{name} 已下载并通过校验。</translation>
    </message>
    <message>
        <source>Open APUS Chat</source>
        <translation>打开 APUS Chat</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出程序</translation>
    </message>
</context>
<context>
    <name>BackupsPage</name>
    <message>
        <source>Back up now</source>
        <translation>立即备份</translation>
    </message>
    <message>
        <source>Restore from a file…</source>
        <translation>从文件恢复…</translation>
    </message>
    <message>
        <source>Restore…</source>
        <translation>恢复…</translation>
    </message>
    <message>
        <source>Backups</source>
        <translation>备份</translation>
    </message>
    <message>
        <source>No backups yet. Backups that you saved to a file aren&apos;t listed; restore them from the file.</source>
        <translation>还没有备份。另存为文件的备份不会列在这里，请从文件恢复。</translation>
    </message>
    <message>
        <source>Each backup contains all conversations with their attachments, including the archive and trash, and the facts of the memory.</source>
        <translation>每份备份包含所有对话及其附件（包括归档和回收站中的）和记忆。</translation>
    </message>
    <message>
        <source>Restore backup</source>
        <translation>恢复备份</translation>
    </message>
    <message>
        <source>Restore the backup from {what}?</source>
        <translation>要恢复此备份吗？（{what}）</translation>
    </message>
    <message>
        <source>All conversations revert to their state at that time. Your current data is backed up first, so you can restore it from this list.</source>
        <translation>所有对话将恢复到备份时的状态。当前数据会先自动备份，之后可以从此列表中恢复。</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Restored. Your previous data is now the newest backup in the list.</source>
        <translation>已恢复。恢复前的数据是列表中最新的一份备份。</translation>
    </message>
    <message>
        <source>Restoring…</source>
        <translation>正在恢复…</translation>
    </message>
    <message>
        <source>Backing up…</source>
        <translation>正在备份…</translation>
    </message>
    <message>
        <source>Backup (*.sqlite3);;All files (*)</source>
        <translation>备份 (*.sqlite3);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Backup complete.</source>
        <translation>备份完成。</translation>
    </message>
    <message>
        <source>Restore from a file</source>
        <translation>从文件恢复</translation>
    </message>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>manual</source>
        <translation>手动备份</translation>
    </message>
    <message>
        <source>before a restore</source>
        <translation>恢复前的备份</translation>
    </message>
    <message>
        <source>before an update</source>
        <translation>更新前的备份</translation>
    </message>
</context>
<context>
    <name>BarRow</name>
    <message>
        <source>Use {device}</source>
        <translation>使用 {device}</translation>
    </message>
</context>
<context>
    <name>BusyDialog</name>
    <message>
        <source>Stopping…</source>
        <translation>正在停止…</translation>
    </message>
</context>
<context>
    <name>CompareDialog</name>
    <message>
        <source>Compare versions</source>
        <translation>对比版本</translation>
    </message>
    <message>
        <source>Version {number}</source>
        <translation>版本 {number}</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Open link</source>
        <translation>打开链接</translation>
    </message>
</context>
<context>
    <name>Composer</name>
    <message>
        <source>Send as a new version</source>
        <translation>作为新版本发送</translation>
    </message>
    <message>
        <source>Message…</source>
        <translation>输入消息…</translation>
    </message>
    <message>
        <source>Message… (not saved)</source>
        <translation>输入消息…（不会保存）</translation>
    </message>
    <message>
        <source>Next question… (sent after this answer)</source>
        <translation>下一个问题…（本次回答完成后发送）</translation>
    </message>
    <message>
        <source>Message</source>
        <translation>消息</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Cancel editing</source>
        <translation>取消编辑</translation>
    </message>
    <message>
        <source>Reading file…</source>
        <translation>正在读取文件…</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
    <message>
        <source>Folder: {name}</source>
        <translation>文件夹：{name}</translation>
    </message>
    <message>
        <source>The model follows its instructions.</source>
        <translation>模型会遵循其中的指令。</translation>
    </message>
    <message>
        <source>The model reads its documents: {names}</source>
        <translation>模型会阅读其中的文档：{names}</translation>
    </message>
    <message>
        <source>Preset: {name}</source>
        <translation>预设：{name}</translation>
    </message>
    <message>
        <source>Web search: on</source>
        <translation>联网搜索：已开启</translation>
    </message>
    <message>
        <source>Web search: off</source>
        <translation>联网搜索：已关闭</translation>
    </message>
    <message>
        <source>Editing an earlier question. It stays as another version, with all answers.</source>
        <translation>正在编辑之前的问题。原问题和它的所有回答会保留为另一个版本。</translation>
    </message>
    <message>
        <source>Attach files</source>
        <translation>添加附件</translation>
    </message>
    <message>
        <source>Web search</source>
        <translation>联网搜索</translation>
    </message>
    <message>
        <source>Attach files (Ctrl+Shift+A), or drop them here</source>
        <translation>添加附件（Ctrl+Shift+A），或将文件拖到这里</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
</context>
<context>
    <name>ContextGauge</name>
    <message>
        <source>Context {used} / {size}</source>
        <translation>上下文 {used} / {size}</translation>
    </message>
    <message>
        <source>{used} of {size} context tokens used</source>
        <translation>上下文已用 {used} / {size} 个 token</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>Shows messages kept in context or left out, and what happens when the context is full</source>
        <translation>查看保留在上下文中和已略去的消息，以及上下文已满时的处理方式</translation>
    </message>
</context>
<context>
    <name>ContextPopover</name>
    <message>
        <source>Conversation context</source>
        <translation>对话上下文</translation>
    </message>
    <message>
        <source>Used</source>
        <translation>已用</translation>
    </message>
    <message>
        <source>Free</source>
        <translation>剩余</translation>
    </message>
    <message>
        <source>Left out</source>
        <translation>已略去</translation>
    </message>
    <message>
        <source>Summarised</source>
        <translation>已总结</translation>
    </message>
    <message>
        <source>Nothing is left out. A question that doesn&apos;t fit isn&apos;t sent.</source>
        <translation>不略去任何内容；放不下的问题不会发送。</translation>
    </message>
    <message>
        <source>Messages kept in context stay. The model doesn&apos;t see the other messages above the line.</source>
        <translation>保留在上下文中的消息不会略去。分隔线以上的其他消息模型看不到。</translation>
    </message>
    <message>
        <source>Summarise the oldest turns</source>
        <translation>总结最早的对话轮次</translation>
    </message>
    <message>
        <source>The model gets its own summary of them, which you can edit or undo. Messages kept in context stay.</source>
        <translation>模型改用它自己写的总结，你可以编辑或撤销。保留在上下文中的消息不受影响。</translation>
    </message>
    <message>
        <source>about {count} tokens</source>
        <translation>约 {count} 个 token</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个 token</translation>
    </message>
    <message>
        <source>{free} of {size}</source>
        <translation>{free} / {size}</translation>
    </message>
    <message>
        <source>When the context is full</source>
        <translation>上下文已满时</translation>
    </message>
    <message>
        <source>Kept in context</source>
        <translation>已保留</translation>
    </message>
    <message>
        <source>Stop and ask me</source>
        <translation>停下来询问我</translation>
    </message>
    <message>
        <source>Leave out the oldest turns</source>
        <translation>略去最早的对话轮次</translation>
    </message>
    <message>
        <source>Increase context…</source>
        <translation>增大上下文…</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>1 message</source>
        <translation>1 条消息</translation>
    </message>
    <message>
        <source>{count} messages</source>
        <translation>{count} 条消息</translation>
    </message>
</context>
<context>
    <name>ConversationController</name>
    <message>
        <source>Chat saved to your conversations.</source>
        <translation>已保存到对话列表。</translation>
    </message>
    <message>
        <source>Temporary chat</source>
        <translation>临时对话</translation>
    </message>
    <message>
        <source>Save this temporary chat?</source>
        <translation>要保存这个临时对话吗？</translation>
    </message>
    <message>
        <source>It isn&apos;t saved yet. If you leave, it&apos;s permanently deleted.</source>
        <translation>此对话尚未保存，离开后会永久删除。</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Discard</source>
        <translation>不保存</translation>
    </message>
    <message>
        <source>No model selected. Choose a model file.</source>
        <translation>尚未选择模型。请选择一个模型文件。</translation>
    </message>
    <message>
        <source>Choose a model file…</source>
        <translation>选择模型文件…</translation>
    </message>
    <message>
        <source>Wait until the answer is complete, or stop it first (Esc).</source>
        <translation>请等待回答完成，或先停止回答（Esc）。</translation>
    </message>
    <message>
        <source>Send without pictures</source>
        <translation>不带图片发送</translation>
    </message>
    <message>
        <source>Try again with…</source>
        <translation>换模型重试…</translation>
    </message>
    <message>
        <source>This is a new conversation. The original is unchanged.</source>
        <translation>这是一个新对话，原来的对话保持不变。</translation>
    </message>
    <message>
        <source>Open the original</source>
        <translation>打开原对话</translation>
    </message>
    <message>
        <source>The messages after it are kept with the other version of the answer.</source>
        <translation>此后的消息保留在该回答的另一个版本中。</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>Summary removed. The model gets the messages themselves again.</source>
        <translation>总结已移除，模型将重新读取原消息。</translation>
    </message>
    <message>
        <source>Remembered. Settings &gt; Memory lists all facts.</source>
        <translation>已记住。“设置 &gt; 记忆”中列出了全部内容。</translation>
    </message>
    <message>
        <source>Remember</source>
        <translation>记住</translation>
    </message>
    <message>
        <source>Message deleted.</source>
        <translation>消息已删除。</translation>
    </message>
    <message>
        <source>Message deleted, along with the one below it.</source>
        <translation>消息已删除，其后的 1 条也已删除。</translation>
    </message>
    <message>
        <source>Message deleted, along with {count} below it.</source>
        <translation>消息已删除，其后的 {count} 条也已删除。</translation>
    </message>
    <message>
        <source>The document was removed from the folder.</source>
        <translation>该文档已从文件夹中移除。</translation>
    </message>
</context>
<context>
    <name>ConversationList</name>
    <message>
        <source>Pinned</source>
        <translation>置顶</translation>
    </message>
    <message>
        <source>Today</source>
        <translation>今天</translation>
    </message>
    <message>
        <source>Yesterday</source>
        <translation>昨天</translation>
    </message>
    <message>
        <source>Previous 7 days</source>
        <translation>过去 7 天</translation>
    </message>
    <message>
        <source>Earlier</source>
        <translation>更早</translation>
    </message>
</context>
<context>
    <name>ConversationSettings</name>
    <message>
        <source>“{name}” applied.</source>
        <translation>已应用“{name}”。</translation>
    </message>
    <message>
        <source>Defaults applied.</source>
        <translation>已应用默认设置。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Conversation settings</source>
        <translation>对话设置</translation>
    </message>
    <message>
        <source>Changes apply from the next answer. Each answer keeps a record of the settings used.</source>
        <translation>更改从下一个回答起生效。每个回答都会记录生成时所用的设置。</translation>
    </message>
    <message>
        <source>Preset</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>System prompt</source>
        <translation>系统提示词</translation>
    </message>
    <message>
        <source>Instructions for the model at the start of the conversation.</source>
        <translation>对话开始时给模型的指示。</translation>
    </message>
    <message>
        <source>All samplers</source>
        <translation>全部采样器</translation>
    </message>
    <message>
        <source>Summarise the oldest turns</source>
        <translation>总结最早的对话轮次</translation>
    </message>
    <message>
        <source>Sets the system prompt, answer format, tools, sampling and other options at once.</source>
        <translation>一次设置系统提示词、回答格式、工具、采样等选项。</translation>
    </message>
    <message>
        <source>If turns are left out or summarised, a line in the conversation marks the messages above it that the model no longer sees. Those that you keep in context always stay.</source>
        <translation>选择略去或总结时，对话中会出现一条分隔线，线以上的消息模型不再看到。你设为保留在上下文中的消息始终保留。</translation>
    </message>
    <message>
        <source>The model may call them; you are asked before a tool runs. Not with JSON answers.</source>
        <translation>模型可以调用它们；运行工具前会先询问你。不能与 JSON 回答同时使用。</translation>
    </message>
    <message>
        <source>Sampling</source>
        <translation>采样</translation>
    </message>
    <message>
        <source>How the next token is chosen.</source>
        <translation>如何选取下一个 token。</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>工具</translation>
    </message>
    <message>
        <source>Lower values make answers more predictable, higher ones more varied. Presets set them too.</source>
        <translation>数值越低，回答越稳定；数值越高，回答越多样。选择预设时也会设置这些值。</translation>
    </message>
    <message>
        <source>Whether the model is given the facts of Settings &gt; Memory. Never in temporary chats.</source>
        <translation>是否把“设置 &gt; 记忆”中的内容提供给模型。临时对话中从不提供。</translation>
    </message>
    <message>
        <source>Use the memory</source>
        <translation>使用记忆</translation>
    </message>
    <message>
        <source>Shown</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>Hidden</source>
        <translation>已隐藏</translation>
    </message>
    <message>
        <source>Whether, or how much, the model thinks before it answers.</source>
        <translation>模型在回答之前是否思考，以及思考多少。</translation>
    </message>
    <message>
        <source>Thinking</source>
        <translation>思考</translation>
    </message>
    <message>
        <source>JSON answers always match the chosen format, unless they are cut at the token limit.</source>
        <translation>JSON 回答始终符合所选格式，除非因达到 token 上限而被截断。</translation>
    </message>
    <message>
        <source>Answer format</source>
        <translation>回答格式</translation>
    </message>
    <message>
        <source>When the context is full</source>
        <translation>上下文已满时</translation>
    </message>
    <message>
        <source>Use default prompt</source>
        <translation>使用默认提示词</translation>
    </message>
    <message>
        <source>Use defaults</source>
        <translation>使用默认设置</translation>
    </message>
    <message>
        <source>Stop and ask me</source>
        <translation>停下来询问我</translation>
    </message>
    <message>
        <source>Leave out the oldest turns</source>
        <translation>略去最早的对话轮次</translation>
    </message>
    <message>
        <source>For example: Answer briefly.</source>
        <translation>例如：请简短回答。</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>ConversationTitle</name>
    <message>
        <source>Untitled</source>
        <translation>无标题</translation>
    </message>
    <message>
        <source>Title</source>
        <translation>标题</translation>
    </message>
    <message>
        <source>Title: {title}</source>
        <translation>标题：{title}</translation>
    </message>
    <message>
        <source>{title}
Click to rename</source>
        <translation>{title}
点击可重命名</translation>
    </message>
</context>
<context>
    <name>CrashDialog</name>
    <message>
        <source>Copied.</source>
        <translation>已复制。</translation>
    </message>
    <message>
        <source>APUS Chat error</source>
        <translation>APUS Chat 出错</translation>
    </message>
    <message>
        <source>Something went wrong in APUS Chat</source>
        <translation>APUS Chat 出了问题</translation>
    </message>
    <message>
        <source>This is a bug in the program; you did nothing wrong. Your conversations are saved. You can continue, but if anything behaves oddly, restart the program.</source>
        <translation>这是程序自身的错误，与你的操作无关。你的对话均已保存，可以继续使用；如果之后出现异常，请重新启动程序。</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详细信息</translation>
    </message>
    <message>
        <source>Copy details</source>
        <translation>复制详细信息</translation>
    </message>
    <message>
        <source>Open log folder</source>
        <translation>打开日志文件夹</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出程序</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
</context>
<context>
    <name>CustomChoiceBox</name>
    <message>
        <source>Custom</source>
        <translation>自定义</translation>
    </message>
</context>
<context>
    <name>DataSettings</name>
    <message>
        <source>Data folder</source>
        <translation>数据文件夹</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Import conversations</source>
        <translation>导入对话</translation>
    </message>
    <message>
        <source>Import…</source>
        <translation>导入…</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>Back up…</source>
        <translation>备份…</translation>
    </message>
    <message>
        <source>View backups…</source>
        <translation>查看备份…</translation>
    </message>
    <message>
        <source>Restore defaults…</source>
        <translation>恢复默认…</translation>
    </message>
    <message>
        <source>Disk use</source>
        <translation>磁盘占用</translation>
    </message>
    <message>
        <source>Counting…</source>
        <translation>正在统计…</translation>
    </message>
    <message>
        <source>Export conversations</source>
        <translation>导出对话</translation>
    </message>
    <message>
        <source>Save a backup</source>
        <translation>保存备份</translation>
    </message>
    <message>
        <source>Saves all conversations with their attachments, including the archive and trash, and the facts of the memory to one file. It contains no presets and settings.</source>
        <translation>将所有对话及其附件（包括归档和回收站中的）和记忆保存到一个文件。不包含预设和设置。</translation>
    </message>
    <message>
        <source>Restore a backup</source>
        <translation>恢复备份</translation>
    </message>
    <message>
        <source>From the list of automatic backups, or from a file.</source>
        <translation>从自动备份列表或文件恢复。</translation>
    </message>
    <message>
        <source>Deletes all conversations, facts, drafts, presets, backups and logs. Models, servers and settings are kept.</source>
        <translation>删除所有对话、记忆、草稿、预设、备份和日志。模型、服务器和设置会保留。</translation>
    </message>
    <message>
        <source>Restore the defaults of all settings?</source>
        <translation>将所有设置恢复为默认值？</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Restore defaults</source>
        <translation>恢复默认</translation>
    </message>
    <message>
        <source>Delete all my data…</source>
        <translation>删除所有数据…</translation>
    </message>
    <message>
        <source>To Markdown, PDF and other formats, or as JSON that can be imported again. The trash and the facts of the memory are only in a backup.</source>
        <translation>导出为 Markdown、PDF 等格式，或可以重新导入的 JSON。回收站和记忆只包含在备份中。</translation>
    </message>
    <message>
        <source>Clear the conversation cache</source>
        <translation>清空对话缓存</translation>
    </message>
    <message>
        <source>Resets the settings of all sections. Conversations, facts, servers and models are kept.</source>
        <translation>将所有分区的设置恢复为默认值。对话、记忆、服务器和模型都会保留。</translation>
    </message>
    <message>
        <source>Delete all my data</source>
        <translation>删除所有数据</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Backup (*.sqlite3)</source>
        <translation>备份 (*.sqlite3)</translation>
    </message>
    <message>
        <source>Backing up…</source>
        <translation>正在备份…</translation>
    </message>
    <message>
        <source>{total} in all. Models: {models}, conversations: {conversations}, backups: {backups}, conversation cache: {states}, other: {other}</source>
        <translation>共 {total}。模型 {models}，对话 {conversations}，备份 {backups}，对话缓存 {states}，其他 {other}</translation>
    </message>
    <message>
        <source>none</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Conversations: {count}, {size}. Clearing it deletes no conversation.</source>
        <translation>{count} 个对话，共 {size}。清空缓存不会删除任何对话。</translation>
    </message>
    <message>
        <source>None</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Deleting…</source>
        <translation>正在删除…</translation>
    </message>
    <message>
        <source>All your data has been deleted.</source>
        <translation>所有数据已删除。</translation>
    </message>
    <message>
        <source>Clear</source>
        <translation>清空</translation>
    </message>
    <message>
        <source>From ChatGPT and other programs, or from an APUS Chat JSON export.</source>
        <translation>从 ChatGPT 等其他程序，或从 APUS Chat 的 JSON 导出文件导入。</translation>
    </message>
    <message>
        <source>Restore default settings</source>
        <translation>恢复默认设置</translation>
    </message>
    <message>
        <source>Backup saved: {path}</source>
        <translation>备份已保存：{path}</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
</context>
<context>
    <name>DetailsDialog</name>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Sampling</source>
        <translation>采样</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Answer details</source>
        <translation>回答的详细信息</translation>
    </message>
    <message>
        <source>Memory layout</source>
        <translation>显存布局</translation>
    </message>
    <message>
        <source>The same model file, settings, seed and memory layout produce the same answer.</source>
        <translation>模型文件、设置、随机种子和显存布局都相同时，会得到同样的回答。</translation>
    </message>
    <message>
        <source>From a server: the same settings and seed can produce another answer.</source>
        <translation>由服务器生成：即使设置和随机种子相同，再次生成的回答也可能不同。</translation>
    </message>
    <message>
        <source>Imported from another program, which doesn&apos;t export more than this.</source>
        <translation>从其他程序导入，该程序没有导出更多信息。</translation>
    </message>
    <message>
        <source>Copy as text</source>
        <translation>复制为文本</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Quantisation</source>
        <translation>量化</translation>
    </message>
    <message>
        <source>File</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Server</source>
        <translation>服务器</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>程序</translation>
    </message>
    <message>
        <source>Summary</source>
        <translation>总结</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个 token</translation>
    </message>
    <message>
        <source>KV cache</source>
        <translation>KV 缓存</translation>
    </message>
    <message>
        <source>Layers on GPUs</source>
        <translation>GPU 上的层数</translation>
    </message>
    <message>
        <source>Tensor split</source>
        <translation>张量切分</translation>
    </message>
    <message>
        <source>Experts in RAM</source>
        <translation>放在内存中的专家</translation>
    </message>
    <message>
        <source>RAM</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>The whole model was on the GPUs.</source>
        <translation>整个模型都在 GPU 上。</translation>
    </message>
    <message>
        <source>On the GPUs, except for the experts of {count} layers, which were in RAM.</source>
        <translation>模型在 GPU 上，其中 {count} 层的专家放在内存中。</translation>
    </message>
    <message>
        <source>The model ran entirely on the CPU.</source>
        <translation>模型完全由 CPU 运行。</translation>
    </message>
    <message>
        <source>{count} layers were on the GPUs, the rest in RAM.</source>
        <translation>{count} 层在 GPU 上，其余在内存中。</translation>
    </message>
    <message>
        <source>weights {weights}, KV cache {kv}, compute buffers {compute} GiB</source>
        <translation>权重 {weights}，KV 缓存 {kv}，计算缓冲区 {compute} GiB</translation>
    </message>
    <message>
        <source>weights {weights}, KV cache {kv}, compute buffers {compute}, picture reader {projector} GiB</source>
        <translation>权重 {weights}，KV 缓存 {kv}，计算缓冲区 {compute}，图片读取器 {projector} GiB</translation>
    </message>
    <message>
        <source>Maximum tokens</source>
        <translation>最大 token 数</translation>
    </message>
    <message>
        <source>no limit</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>Thinking</source>
        <translation>思考</translation>
    </message>
    <message>
        <source>Answer format</source>
        <translation>回答格式</translation>
    </message>
    <message>
        <source>Stop sequences</source>
        <translation>停止序列</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>随机种子</translation>
    </message>
    <message>
        <source>Asked at</source>
        <translation>提问时间</translation>
    </message>
    <message>
        <source>Reading the prompt</source>
        <translation>读取提示词</translation>
    </message>
    <message>
        <source>Writing the answer</source>
        <translation>生成回答</translation>
    </message>
    <message>
        <source>Guessed text</source>
        <translation>预测的文本</translation>
    </message>
    <message>
        <source>Time to first token</source>
        <translation>首个 token 用时</translation>
    </message>
    <message>
        <source>Thinking time</source>
        <translation>思考用时</translation>
    </message>
    <message>
        <source>Stop reason</source>
        <translation>停止原因</translation>
    </message>
    <message>
        <source>Web pages</source>
        <translation>网页</translation>
    </message>
    <message>
        <source>Messages left out</source>
        <translation>略去的消息</translation>
    </message>
    <message>
        <source>Read as a whole</source>
        <translation>完整读取的附件</translation>
    </message>
    <message>
        <source>pages {pages}</source>
        <translation>第 {pages} 页</translation>
    </message>
    <message>
        <source>Attachments</source>
        <translation>附件</translation>
    </message>
    <message>
        <source>Passages</source>
        <translation>段落</translation>
    </message>
    <message>
        <source>{count} tokens, {rate} tokens/s</source>
        <translation>{count} 个 token，{rate} token/秒</translation>
    </message>
    <message>
        <source>off: this model can&apos;t take back a guess</source>
        <translation>关闭：此模型无法撤回预测</translation>
    </message>
    <message>
        <source>off: the memory layout keeps only the sliding windows</source>
        <translation>关闭：当前显存方案只保留滑动窗口</translation>
    </message>
    <message>
        <source>off: guesses would change the answer on this device with this memory layout</source>
        <translation>关闭：在此设备和显存方案下，预测会改变回答</translation>
    </message>
    <message>
        <source>{accepted} of {guessed} guessed tokens were right</source>
        <translation>预测了 {guessed} 个 token，其中 {accepted} 个正确</translation>
    </message>
    <message>
        <source>{seconds} s</source>
        <translation>{seconds} 秒</translation>
    </message>
    <message>
        <source>complete</source>
        <translation>正常完成</translation>
    </message>
    <message>
        <source>token limit reached</source>
        <translation>达到 token 数上限</translation>
    </message>
    <message>
        <source>stop sequence reached</source>
        <translation>遇到停止序列</translation>
    </message>
    <message>
        <source>stopped by you</source>
        <translation>由你停止</translation>
    </message>
    <message>
        <source>the engine exited unexpectedly</source>
        <translation>引擎意外退出</translation>
    </message>
</context>
<context>
    <name>DeviceRow</name>
    <message>
        <source>{free} of {total} GiB free</source>
        <translation>可用 {free} / {total} GiB</translation>
    </message>
    <message>
        <source>Use {device}</source>
        <translation>使用 {device}</translation>
    </message>
    <message>
        <source>Use at most</source>
        <translation>最多使用</translation>
    </message>
    <message>
        <source>Keep free</source>
        <translation>保留空闲</translation>
    </message>
    <message>
        <source>RAM: {free} of {total} GiB free</source>
        <translation>内存：可用 {free} / {total} GiB</translation>
    </message>
    <message>
        <source>No limit</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>Automatic ({kind})</source>
        <translation>自动（{kind}）</translation>
    </message>
    <message>
        <source>Use at most on {device}</source>
        <translation>{device} 最多使用</translation>
    </message>
    <message>
        <source>Keep free on {device}</source>
        <translation>{device} 保留空闲</translation>
    </message>
    <message>
        <source>simulated</source>
        <translation>模拟</translation>
    </message>
    <message>
        <source>drives the display</source>
        <translation>用于显示输出</translation>
    </message>
    <message>
        <source>uses system RAM</source>
        <translation>使用系统内存</translation>
    </message>
    <message>
        <source>not used: another device is the same GPU or a better choice</source>
        <translation>未使用：另一设备是同一块 GPU，或更合适</translation>
    </message>
    <message>
        <source>{count} more</source>
        <translation>还有 {count} 个</translation>
    </message>
    <message>
        <source>Used by {names}</source>
        <translation>占用者：{names}</translation>
    </message>
</context>
<context>
    <name>DeviceSettings</name>
    <message>
        <source>A PC whose APUS Chat lends it (Settings &gt; Lending), or that runs llama.cpp&apos;s rpc-server, can share its GPUs with this one. Network traffic isn&apos;t encrypted, so use it only on your own network.</source>
        <translation>在 APUS Chat 的“设置 &gt; 出借算力”中出借的电脑，或运行 llama.cpp 的 rpc-server 的电脑，可以将 GPU 共享给本机。网络传输不加密，请只在自己的网络中使用。</translation>
    </message>
    <message>
        <source>{server} removed.</source>
        <translation>已移除 {server}。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Scanning devices…</source>
        <translation>正在检测设备…</translation>
    </message>
    <message>
        <source>These GPUs are simulated by {variable}. Plans and advice are based on them, but models load on the real hardware.</source>
        <translation>这些 GPU 由 {variable} 模拟。方案和建议以它们为准，但加载模型时使用实际硬件。</translation>
    </message>
    <message>
        <source>Models are computed by {engine}, built for {backends}</source>
        <translation>模型由 {engine} 运行，支持 {backends}</translation>
    </message>
    <message>
        <source>, NVIDIA driver {version}</source>
        <translation>，NVIDIA 驱动 {version}</translation>
    </message>
    <message>
        <source>The engine found no usable GPU. Models run on the CPU.</source>
        <translation>引擎没有找到可用的 GPU，模型将在 CPU 上运行。</translation>
    </message>
    <message>
        <source>Scanning…</source>
        <translation>正在检测…</translation>
    </message>
    <message>
        <source>Rescan</source>
        <translation>重新检测</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Remove {server}</source>
        <translation>移除 {server}</translation>
    </message>
    <message>
        <source>Not checked because GPUs are simulated.</source>
        <translation>未检查，因为当前使用模拟的 GPU。</translation>
    </message>
    <message>
        <source>Connecting…</source>
        <translation>正在连接…</translation>
    </message>
    <message>
        <source>Not checked yet.</source>
        <translation>尚未检查。</translation>
    </message>
    <message>
        <source>Connected: {device}, {memory} free</source>
        <translation>已连接：{device}，可用 {memory}</translation>
    </message>
    <message>
        <source>Connected: {devices}, {memory} free</source>
        <translation>已连接：{devices}，可用 {memory}</translation>
    </message>
    <message>
        <source>Devices on other PCs</source>
        <translation>其他电脑上的设备</translation>
    </message>
    <message>
        <source>HOST:PORT, such as 192.168.1.20:50052</source>
        <translation>主机:端口，例如 192.168.1.20:50052</translation>
    </message>
    <message>
        <source>RPC server address</source>
        <translation>RPC 服务器地址</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>添加</translation>
    </message>
    <message>
        <source>Rescan devices</source>
        <translation>重新检测设备</translation>
    </message>
</context>
<context>
    <name>DoctorDialog</name>
    <message>
        <source>Report copied. It contains nothing from your conversations.</source>
        <translation>报告已复制，其中不含任何对话内容。</translation>
    </message>
    <message>
        <source>Copied: {command}</source>
        <translation>已复制：{command}</translation>
    </message>
    <message>
        <source>Checking…</source>
        <translation>正在检查…</translation>
    </message>
    <message>
        <source>Not checked yet. The check contacts the hub, its mirror and your servers to see if they respond. None of your data is sent.</source>
        <translation>尚未检查。检查时会连接 Hub、镜像和你的服务器，确认它们是否有响应，不会发送你的任何数据。</translation>
    </message>
    <message>
        <source>Checking this computer…</source>
        <translation>正在检查这台电脑…</translation>
    </message>
    <message>
        <source>Something could be better. See the suggestions under: {parts}.</source>
        <translation>有可以改进之处，请查看以下部分的建议：{parts}。</translation>
    </message>
    <message>
        <source>No problems found.</source>
        <translation>未发现问题。</translation>
    </message>
    <message>
        <source>Diagnostics</source>
        <translation>诊断</translation>
    </message>
    <message>
        <source>Check the network</source>
        <translation>检查网络</translation>
    </message>
    <message>
        <source>Check again</source>
        <translation>重新检查</translation>
    </message>
    <message>
        <source>Copy report</source>
        <translation>复制报告</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>DownloadSettings</name>
    <message>
        <source>Testing {hosts}…</source>
        <translation>正在测试 {hosts}…</translation>
    </message>
    <message>
        <source>{host} is the fastest and is used for downloads already.</source>
        <translation>{host} 最快，现在用的就是它。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>{host}: unreachable</source>
        <translation>{host}：无法连接</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Token saved</source>
        <translation>已保存访问令牌</translation>
    </message>
    <message>
        <source>Token removed.</source>
        <translation>访问令牌已移除。</translation>
    </message>
    <message>
        <source>This system has no keyring. The token is kept until you quit.</source>
        <translation>此系统没有密钥环，访问令牌只保留到退出程序为止。</translation>
    </message>
    <message>
        <source>Token saved in the system keyring.</source>
        <translation>访问令牌已保存在系统密钥环中。</translation>
    </message>
    <message>
        <source>Choose a models folder</source>
        <translation>选择模型文件夹</translation>
    </message>
    <message>
        <source>Moving the models to {path}…</source>
        <translation>正在将模型移动到 {path}…</translation>
    </message>
    <message>
        <source>Models moved to {path}.</source>
        <translation>模型已移动到 {path}。</translation>
    </message>
    <message>
        <source>Models folder</source>
        <translation>模型文件夹</translation>
    </message>
    <message>
        <source>Fastest mirror</source>
        <translation>最快的镜像</translation>
    </message>
    <message>
        <source>Downloads a little from each and uses the fastest.</source>
        <translation>从每个镜像试下载少量数据，然后使用最快的一个。</translation>
    </message>
    <message>
        <source>Access token</source>
        <translation>访问令牌</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>For repositories that require signing in. Sent only to huggingface.co and the hosts below.</source>
        <translation>用于需要登录的仓库，只会发送给 huggingface.co 和下面的网站。</translation>
    </message>
    <message>
        <source>Testing…</source>
        <translation>正在测试…</translation>
    </message>
    <message>
        <source>{host} is the fastest and is now used for downloads.</source>
        <translation>{host} 最快，现已用于下载。</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Move…</source>
        <translation>移动…</translation>
    </message>
    <message>
        <source>{host}: {speed}</source>
        <translation>{host}：{speed}</translation>
    </message>
    <message>
        <source>Test mirrors</source>
        <translation>测试镜像</translation>
    </message>
    <message>
        <source>Move progress</source>
        <translation>移动进度</translation>
    </message>
</context>
<context>
    <name>EditDialog</name>
    <message>
        <source>Edit answer</source>
        <translation>编辑回答</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Save as a new version</source>
        <translation>另存为新版本</translation>
    </message>
    <message>
        <source>The original stays as another version. The model sees the version that is shown.</source>
        <translation>原回答会作为另一个版本保留。模型看到的是当前显示的版本。</translation>
    </message>
</context>
<context>
    <name>EraseDialog</name>
    <message>
        <source>Delete all my data</source>
        <translation>删除所有数据</translation>
    </message>
    <message>
        <source>Delete all my data?</source>
        <translation>要删除所有数据吗？</translation>
    </message>
    <message>
        <source>This permanently deletes all conversations and their attachments ({conversations} in total, with the archive and trash); the facts of the memory; unsent drafts; your presets; the backups made here ({copies}); and the logs.</source>
        <translation>将永久删除所有对话及其附件（连同归档和回收站共 {conversations} 个）、记忆、未发送的草稿、预设、在此创建的备份（{copies} 个）以及日志。</translation>
    </message>
    <message>
        <source>Models, servers and settings are kept, and so is anything you exported or backed up elsewhere.</source>
        <translation>模型、服务器和设置会保留，你导出或备份到别处的内容也会保留。</translation>
    </message>
    <message>
        <source>Delete my data</source>
        <translation>删除我的数据</translation>
    </message>
    <message>
        <source>I understand that this can&apos;t be undone</source>
        <translation>我知道此操作无法撤销</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>ExportDialog</name>
    <message>
        <source>APUS Chat {day}</source>
        <translation>APUS Chat {day}</translation>
    </message>
    <message>
        <source>Exported to {path}.</source>
        <translation>已导出到 {path}。</translation>
    </message>
    <message>
        <source>Creates a folder with one file per conversation.</source>
        <translation>创建一个文件夹，每个对话保存为一个文件。</translation>
    </message>
    <message>
        <source>This file already exists and will be replaced.</source>
        <translation>此文件已存在，将被替换。</translation>
    </message>
    <message>
        <source>The folder doesn&apos;t exist yet and will be created.</source>
        <translation>文件夹不存在，导出时会自动创建。</translation>
    </message>
    <message>
        <source>There are no conversations to export yet.</source>
        <translation>还没有可以导出的对话。</translation>
    </message>
    <message>
        <source>Export to folder</source>
        <translation>导出到文件夹</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Exporting…</source>
        <translation>正在导出…</translation>
    </message>
    <message>
        <source>Exporting… about {seconds} s left</source>
        <translation>正在导出…大约还需 {seconds} 秒</translation>
    </message>
    <message>
        <source>Exported. Files written: {count}.</source>
        <translation>导出完成。已写入 {count} 个文件。</translation>
    </message>
    <message>
        <source>Cancelled. Nothing was written.</source>
        <translation>已取消，没有写入任何文件。</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Cancelled. Nothing was copied.</source>
        <translation>已取消，没有复制任何内容。</translation>
    </message>
    <message>
        <source>Copied to the clipboard.</source>
        <translation>已复制到剪贴板。</translation>
    </message>
    <message>
        <source>No program on this computer can open this type of file.</source>
        <translation>这台电脑上没有可以打开此类文件的程序。</translation>
    </message>
    <message>
        <source>Export conversations</source>
        <translation>导出对话</translation>
    </message>
    <message>
        <source>Content</source>
        <translation>内容</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>格式</translation>
    </message>
    <message>
        <source>Save as</source>
        <translation>另存为</translation>
    </message>
    <message>
        <source>Export progress</source>
        <translation>导出进度</translation>
    </message>
    <message>
        <source>Browse…</source>
        <translation>浏览…</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Copy to clipboard</source>
        <translation>复制到剪贴板</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>ExternalActions</name>
    <message>
        <source>Open link</source>
        <translation>打开链接</translation>
    </message>
    <message>
        <source>Open this address in your browser?</source>
        <translation>要在浏览器中打开这个地址吗？</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Open in browser</source>
        <translation>在浏览器中打开</translation>
    </message>
    <message>
        <source>Open this HTML in your browser?</source>
        <translation>在浏览器中打开此 HTML？</translation>
    </message>
    <message>
        <source>Its scripts run in the browser. The page can&apos;t connect to the internet or read your files.</source>
        <translation>其中的脚本会在浏览器中运行，但该页面无法连接网络，也无法读取你的文件。</translation>
    </message>
    <message>
        <source>Save as</source>
        <translation>另存为</translation>
    </message>
    <message>
        <source>Saved as {name}.</source>
        <translation>已另存为 {name}。</translation>
    </message>
</context>
<context>
    <name>FactDialog</name>
    <message>
        <source>Fact</source>
        <translation>内容</translation>
    </message>
    <message>
        <source>One sentence, such as “I&apos;m vegetarian.”</source>
        <translation>一句话，例如“我吃素”。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Models get it in later conversations. Settings &gt; Memory lists all facts.</source>
        <translation>模型在以后的对话中会看到它。“设置 &gt; 记忆”列出全部内容。</translation>
    </message>
    <message>
        <source>{count} of {limit} characters</source>
        <translation>{count}/{limit} 个字符</translation>
    </message>
</context>
<context>
    <name>FactRow</name>
    <message>
        <source>Edit: {fact}</source>
        <translation>编辑：{fact}</translation>
    </message>
    <message>
        <source>Delete: {fact}</source>
        <translation>删除：{fact}</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
</context>
<context>
    <name>FindBar</name>
    <message>
        <source>{place} of {count}</source>
        <translation>第 {place} 处，共 {count} 处</translation>
    </message>
    <message>
        <source>No matches</source>
        <translation>没有匹配项</translation>
    </message>
    <message>
        <source>{matches} · shown versions</source>
        <translation>{matches}（所示版本）</translation>
    </message>
    <message>
        <source>Find in this conversation</source>
        <translation>在此对话中查找</translation>
    </message>
    <message>
        <source>Previous match</source>
        <translation>上一个匹配项</translation>
    </message>
    <message>
        <source>Next match</source>
        <translation>下一个匹配项</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>FolderController</name>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>Export folder</source>
        <translation>导出文件夹</translation>
    </message>
    <message>
        <source>Archives (*.zip)</source>
        <translation>压缩包 (*.zip)</translation>
    </message>
    <message>
        <source>Folder exported to {path}</source>
        <translation>文件夹已导出到 {path}</translation>
    </message>
    <message>
        <source>New folder</source>
        <translation>新建文件夹</translation>
    </message>
    <message>
        <source>{count} conversations moved to “{folder}”.</source>
        <translation>{count} 个对话已移动到“{folder}”。</translation>
    </message>
    <message>
        <source>“{title}” moved to “{folder}”.</source>
        <translation>已将“{title}”移到“{folder}”。</translation>
    </message>
    <message>
        <source>“{title}” moved out of its folder.</source>
        <translation>已将“{title}”移出文件夹。</translation>
    </message>
    <message>
        <source>{count} conversations moved out of folders.</source>
        <translation>已将 {count} 个对话移出文件夹。</translation>
    </message>
    <message>
        <source>Untitled</source>
        <translation>无标题</translation>
    </message>
    <message>
        <source>Its instructions and documents are deleted.</source>
        <translation>其中的指令和文档会被删除。</translation>
    </message>
    <message>
        <source>Its conversation stays in your list, or goes to the trash if you delete it too.</source>
        <translation>其中的对话会留在列表中；如果一并删除，则移到回收站。</translation>
    </message>
    <message>
        <source>Its conversations stay in your list, or go to the trash if you delete them too.</source>
        <translation>其中的对话会留在列表中；如果一并删除，则移到回收站。</translation>
    </message>
    <message>
        <source>Its conversation moves to the folder above, or goes to the trash if you delete it too.</source>
        <translation>其中的对话会移到上一级文件夹；如果一并删除，则移到回收站。</translation>
    </message>
    <message>
        <source>Its conversations move to the folder above, or go to the trash if you delete them too.</source>
        <translation>其中的对话会移到上一级文件夹；如果一并删除，则移到回收站。</translation>
    </message>
    <message>
        <source>The trash doesn&apos;t keep the folder.</source>
        <translation>回收站不会保留文件夹。</translation>
    </message>
    <message>
        <source>Delete folder and {count} conversations</source>
        <translation>删除文件夹和 {count} 个对话</translation>
    </message>
    <message>
        <source>Delete folder and conversation</source>
        <translation>删除文件夹和对话</translation>
    </message>
    <message>
        <source>Folder “{name}” deleted, its conversation moved to trash.</source>
        <translation>已删除文件夹“{name}”，其中的对话已移到回收站。</translation>
    </message>
    <message>
        <source>Delete folder</source>
        <translation>删除文件夹</translation>
    </message>
    <message>
        <source>Delete the folder “{name}”?</source>
        <translation>要删除文件夹“{name}”吗？</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Folder “{name}” deleted.</source>
        <translation>已删除文件夹“{name}”。</translation>
    </message>
    <message>
        <source>Folder “{name}” deleted, {count} conversations moved to trash.</source>
        <translation>已删除文件夹“{name}”，{count} 个对话已移到回收站。</translation>
    </message>
</context>
<context>
    <name>FolderSettings</name>
    <message>
        <source>Folder settings</source>
        <translation>文件夹设置</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>For example: Answer briefly.</source>
        <translation>例如：请简短回答。</translation>
    </message>
    <message>
        <source>None</source>
        <translation>无</translation>
    </message>
    <message>
        <source>The one selected last</source>
        <translation>上次选择的模型</translation>
    </message>
    <message>
        <source>Add documents…</source>
        <translation>添加文档…</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Everything here applies to all conversations in the folder and in its folders.</source>
        <translation>这里的设置适用于此文件夹及其子文件夹中的所有对话。</translation>
    </message>
    <message>
        <source>For the model, before the system prompt of each conversation.</source>
        <translation>提供给模型，位于每个对话的系统提示词之前。</translation>
    </message>
    <message>
        <source>The model is given them, or the passages that match the question.</source>
        <translation>模型会看到这些文档，或其中与问题相符的段落。</translation>
    </message>
    <message>
        <source>Instructions</source>
        <translation>指令</translation>
    </message>
    <message>
        <source>Preset</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>For conversations whose settings were not changed.</source>
        <translation>用于没有单独更改设置的对话。</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Selected for new conversations.</source>
        <translation>新建对话时选用。</translation>
    </message>
    <message>
        <source>Documents</source>
        <translation>文档</translation>
    </message>
    <message>
        <source>Documents and text files (*.pdf *.docx *.pptx *.xlsx *.xls *.ods *.csv *.epub *.html *.htm *.txt *.md *.json *.log *.py *.c *.cpp *.h *.java *.js *.ts *.tex);;All files (*)</source>
        <translation>文档和文本文件 (*.pdf *.docx *.pptx *.xlsx *.xls *.ods *.csv *.epub *.html *.htm *.txt *.md *.json *.log *.py *.c *.cpp *.h *.java *.js *.ts *.tex);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Add documents</source>
        <translation>添加文档</translation>
    </message>
</context>
<context>
    <name>FormatOptions</name>
    <message>
        <source>Format</source>
        <translation>格式</translation>
    </message>
    <message>
        <source>Include the model, settings and speed of each answer</source>
        <translation>包含每个回答的模型、设置和速度</translation>
    </message>
    <message>
        <source>Include all branches, not only the one shown</source>
        <translation>包含所有分支，而不只是当前显示的分支</translation>
    </message>
    <message>
        <source>Include stopped and interrupted answers</source>
        <translation>包含已停止或已中断的回答</translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation>思考过程</translation>
    </message>
    <message>
        <source>Shown</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>Collapsed</source>
        <translation>折叠</translation>
    </message>
    <message>
        <source>Omitted</source>
        <translation>不包含</translation>
    </message>
    <message>
        <source>Includes the messages before it.</source>
        <translation>同时包含它之前的消息。</translation>
    </message>
</context>
<context>
    <name>FoundRow</name>
    <message>
        <source>Add</source>
        <translation>添加</translation>
    </message>
    <message>
        <source>Add {server}</source>
        <translation>添加 {server}</translation>
    </message>
    <message>
        <source>needs an API key</source>
        <translation>需要 API 密钥</translation>
    </message>
    <message>
        <source>models: {count}</source>
        <translation>模型：{count} 个</translation>
    </message>
</context>
<context>
    <name>Header</name>
    <message>
        <source>Show or hide conversations</source>
        <translation>显示或隐藏对话列表</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
    <message>
        <source>Conversation settings</source>
        <translation>对话设置</translation>
    </message>
    <message>
        <source>Temporary chat: not saved (Ctrl+Shift+N)</source>
        <translation>临时对话：不会保存 (Ctrl+Shift+N)</translation>
    </message>
    <message>
        <source>Save chat</source>
        <translation>保存对话</translation>
    </message>
    <message>
        <source>Temporary chat</source>
        <translation>临时对话</translation>
    </message>
    <message>
        <source>Model: {name}</source>
        <translation>模型：{name}</translation>
    </message>
    <message>
        <source>This chat isn&apos;t saved and is lost when you leave it. Click to save it.</source>
        <translation>此对话不会保存，离开后即丢失。点击可将其保存。</translation>
    </message>
    <message>
        <source>Save this temporary chat</source>
        <translation>保存这个临时对话</translation>
    </message>
</context>
<context>
    <name>HubSearch</name>
    <message>
        <source>Download settings…</source>
        <translation>下载设置…</translation>
    </message>
    <message>
        <source>Press Enter to open {name}.</source>
        <translation>按回车打开 {name}。</translation>
    </message>
    <message>
        <source>A magnet link downloads from other people&apos;s computers and shares what you have with others while it runs. The file is verified like any other download.</source>
        <translation>磁力链接会从其他人的电脑下载；运行期间，也会把你已下载的部分分享给他人。下载的文件会像其他下载一样进行校验。</translation>
    </message>
    <message>
        <source>Download and share</source>
        <translation>下载并分享</translation>
    </message>
    <message>
        <source>Searching for “{text}”…</source>
        <translation>正在搜索“{text}”…</translation>
    </message>
    <message>
        <source>Checking {name}…</source>
        <translation>正在检查 {name}…</translation>
    </message>
    <message>
        <source>Nothing found for “{text}”. Try a shorter part of the model name, or paste OWNER/REPO.</source>
        <translation>没有找到“{text}”。请只输入模型名称的一部分，或粘贴 OWNER/REPO。</translation>
    </message>
    <message>
        <source>{name} contains no GGUF files. Look for a repository whose name ends in GGUF.</source>
        <translation>{name} 中没有 GGUF 文件。请查找名称以 GGUF 结尾的仓库。</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>gated: accept the terms on the repository page, then enter your access token in Settings</source>
        <translation>需申请访问：请在仓库页面上接受条款，再到设置中填写你的访问令牌</translation>
    </message>
    <message>
        <source>Repositories with GGUF files, most downloaded first</source>
        <translation>含有 GGUF 文件的仓库，按下载次数从高到低排列</translation>
    </message>
    <message>
        <source>Results</source>
        <translation>搜索结果</translation>
    </message>
    <message>
        <source>Your models</source>
        <translation>你的模型</translation>
    </message>
    <message>
        <source>Repositories found</source>
        <translation>找到的仓库</translation>
    </message>
    <message>
        <source>Models in the repository</source>
        <translation>仓库中的模型</translation>
    </message>
</context>
<context>
    <name>ImportDialog</name>
    <message>
        <source>Import conversations</source>
        <translation>导入对话</translation>
    </message>
    <message>
        <source>Choose file…</source>
        <translation>选择文件…</translation>
    </message>
    <message>
        <source>Choose folder…</source>
        <translation>选择文件夹…</translation>
    </message>
    <message>
        <source>Import progress</source>
        <translation>导入进度</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Import</source>
        <translation>导入</translation>
    </message>
    <message>
        <source>From {programs}. Choose or drop a file, an archive or a folder; the program it is from is recognised. Existing conversations aren&apos;t changed or duplicated.</source>
        <translation>可导入 {programs}。选择或拖入文件、压缩包或文件夹，程序会自动识别来源。已有的对话不会被改动，也不会重复。</translation>
    </message>
    <message>
        <source>Reading {name}…</source>
        <translation>正在读取 {name}…</translation>
    </message>
    <message>
        <source>From {program}. Conversations: {conversations}, messages: {messages}.</source>
        <translation>来自 {program}。对话：{conversations}，消息：{messages}。</translation>
    </message>
    <message>
        <source>Dates: {first} to {last}.</source>
        <translation>时间：{first} 至 {last}。</translation>
    </message>
    <message>
        <source>Date: {first}.</source>
        <translation>时间：{first}。</translation>
    </message>
    <message>
        <source>Folders: {count}.</source>
        <translation>文件夹：{count} 个。</translation>
    </message>
    <message>
        <source>Can&apos;t be imported:</source>
        <translation>无法导入：</translation>
    </message>
    <message>
        <source>{count} of them exist already; only new messages are added.</source>
        <translation>其中 {count} 个已存在，只添加新消息。</translation>
    </message>
    <message>
        <source>Exports and archives (*.json *.jsonl *.ndjson *.zip *.bak *.gz *.cherrybackup);;All files (*)</source>
        <translation>导出文件和压缩包 (*.json *.jsonl *.ndjson *.zip *.bak *.gz *.cherrybackup);;所有文件 (*)</translation>
    </message>
    <message>
        <source>pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>files</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>tool calls</source>
        <translation>工具调用</translation>
    </message>
    <message>
        <source>Noted in the text instead of imported: {kinds}.</source>
        <translation>以下内容无法导入，已在文中注明：{kinds}。</translation>
    </message>
    <message>
        <source>{count} more</source>
        <translation>还有 {count} 个</translation>
    </message>
    <message>
        <source>Importing {name}…</source>
        <translation>正在导入 {name}…</translation>
    </message>
    <message>
        <source>Imported. New conversations: {conversations}, new messages: {messages}.</source>
        <translation>导入完成。新对话：{conversations}，新消息：{messages}。</translation>
    </message>
    <message>
        <source>Nothing to import: everything in this file already exists.</source>
        <translation>没有可导入的内容：这个文件中的内容都已存在。</translation>
    </message>
    <message>
        <source>Nothing was imported.</source>
        <translation>没有导入任何内容。</translation>
    </message>
    <message>
        <source>Cancelled. New conversations until then: {count}.</source>
        <translation>已取消。此前导入的新对话：{count}。</translation>
    </message>
    <message>
        <source>Cancelled.</source>
        <translation>已取消。</translation>
    </message>
</context>
<context>
    <name>KeyButton</name>
    <message>
        <source>Press keys…</source>
        <translation>请按快捷键…</translation>
    </message>
    <message>
        <source>None</source>
        <translation>无</translation>
    </message>
</context>
<context>
    <name>LayerStrip</name>
    <message>
        <source>Boundary between {one} and {other}: {before} and {after} layers</source>
        <translation>{one} 与 {other} 的分界：{before} 层和 {after} 层</translation>
    </message>
</context>
<context>
    <name>LendingSettings</name>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Another PC in your network can use the GPUs of this one, or its processor and memory, for larger models. There&apos;s no password and nothing is encrypted: anyone in the network can use them and read what is computed. Lend only in a network that you trust.</source>
        <translation>网络中的另一台电脑可以借用这台电脑的 GPU（没有 GPU 时借用 CPU 和内存）来运行更大的模型。没有密码，也不加密：网络中的任何人都可以借用，并能看到计算的内容。请只在你信任的网络中出借。</translation>
    </message>
    <message>
        <source>Lend this computer</source>
        <translation>出借这台电脑</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>地址</translation>
    </message>
    <message>
        <source>Stop lending</source>
        <translation>停止出借</translation>
    </message>
    <message>
        <source>Lend</source>
        <translation>出借</translation>
    </message>
    <message>
        <source>Not lent</source>
        <translation>未出借</translation>
    </message>
    <message>
        <source>Enter it in the settings of the other PC, in the section Devices, under Devices on other PCs.</source>
        <translation>在另一台电脑的“设置 &gt; 设备”中，填写到“其他电脑上的设备”一栏。</translation>
    </message>
    <message>
        <source>{devices}: {size} used by other PCs.</source>
        <translation>{devices}：其他电脑已使用 {size}。</translation>
    </message>
    <message>
        <source>Or: {addresses}</source>
        <translation>或者：{addresses}</translation>
    </message>
    <message>
        <source>Changes apply when you lend again.</source>
        <translation>更改在下次出借时生效。</translation>
    </message>
    <message>
        <source>Copied.</source>
        <translation>已复制。</translation>
    </message>
</context>
<context>
    <name>LocalServerSettings</name>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>地址</translation>
    </message>
    <message>
        <source>Enter it in the other program as the API base or base URL.</source>
        <translation>在其他程序中填写为 API 地址（base URL）。</translation>
    </message>
    <message>
        <source>API key</source>
        <translation>API 密钥</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Activity</source>
        <translation>活动</translation>
    </message>
    <message>
        <source>Not running</source>
        <translation>未运行</translation>
    </message>
    <message>
        <source>Shows which programs use the local server, once it runs.</source>
        <translation>本地服务运行后，这里会显示哪些程序在使用它。</translation>
    </message>
    <message>
        <source>Requests: {count}</source>
        <translation>请求：{count}</translation>
    </message>
    <message>
        <source>answering</source>
        <translation>生成回答</translation>
    </message>
    <message>
        <source>waiting: {count}</source>
        <translation>排队：{count}</translation>
    </message>
    <message>
        <source>{speed} tokens/s</source>
        <translation>{speed} token/秒</translation>
    </message>
    <message>
        <source>{minutes} min ago</source>
        <translation>{minutes} 分钟前</translation>
    </message>
    <message>
        <source>now</source>
        <translation>刚刚</translation>
    </message>
    <message>
        <source>{program}, {address} · requests: {count} · {time}</source>
        <translation>{program}，{address} · 请求：{count} · {time}</translation>
    </message>
    <message>
        <source>unknown program</source>
        <translation>未知程序</translation>
    </message>
    <message>
        <source>Replace</source>
        <translation>更换</translation>
    </message>
    <message>
        <source>Create</source>
        <translation>生成</translation>
    </message>
    <message>
        <source>Every request needs it. It also proves to other computers that they reach this one.</source>
        <translation>每个请求都需要它。其他电脑也凭它确认连接的确实是这台电脑。</translation>
    </message>
    <message>
        <source>Every request needs it.</source>
        <translation>每个请求都需要它。</translation>
    </message>
    <message>
        <source>None: all programs on this computer may ask.</source>
        <translation>无：这台电脑上的所有程序都可以使用。</translation>
    </message>
    <message>
        <source>Programs on this computer: {url}</source>
        <translation>这台电脑上的程序：{url}</translation>
    </message>
    <message>
        <source>Enter it in APUS Chat on the other computer.</source>
        <translation>填到另一台电脑的 APUS Chat 中。</translation>
    </message>
    <message>
        <source>Local server</source>
        <translation>本地服务</translation>
    </message>
    <message>
        <source>Replace the API key?</source>
        <translation>要更换 API 密钥吗？</translation>
    </message>
    <message>
        <source>Other computers and programs are refused until you enter the new key there.</source>
        <translation>在其他电脑和程序中填写新密钥之前，它们的请求会被拒绝。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>This system has no keyring. The API key is kept only until you quit the program.</source>
        <translation>此系统没有密钥环，API 密钥只保留到程序退出。</translation>
    </message>
    <message>
        <source>API key saved in the system keyring.</source>
        <translation>API 密钥已保存到系统密钥环。</translation>
    </message>
    <message>
        <source>API key removed.</source>
        <translation>API 密钥已移除。</translation>
    </message>
    <message>
        <source>Copied.</source>
        <translation>已复制。</translation>
    </message>
</context>
<context>
    <name>MeasurePanel</name>
    <message>
        <source>Speed</source>
        <translation>速度</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>测速</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Measurement progress</source>
        <translation>测速进度</translation>
    </message>
    <message>
        <source>Cancelled. Nothing was changed.</source>
        <translation>已取消，未作任何更改。</translation>
    </message>
    <message>
        <source>Median of three measurements.</source>
        <translation>三次测量的中位数。</translation>
    </message>
    <message>
        <source>Measuring doesn&apos;t interrupt an answer in progress.</source>
        <translation>测速不会打断正在生成的回答。</translation>
    </message>
    <message>
        <source>Find the fastest layout…</source>
        <translation>查找最快的布局…</translation>
    </message>
    <message>
        <source>Loads the current layout and measures prompt and answer speed</source>
        <translation>按当前布局加载模型，测量阅读和回答的速度</translation>
    </message>
    <message>
        <source>Also measures a few other layouts and saves the fastest one that fits; takes a few minutes</source>
        <translation>还会测量其他几种布局，并保存放得下的最快布局，需要几分钟</translation>
    </message>
    <message>
        <source>The current layout is the fastest that fits.</source>
        <translation>当前布局就是放得下的最快布局。</translation>
    </message>
    <message>
        <source>Fastest layout saved. The next message loads the model with it.</source>
        <translation>已保存最快的布局，下一条消息将用它加载模型。</translation>
    </message>
    <message>
        <source>Waiting for the current answer to finish…</source>
        <translation>正在等待当前回答完成…</translation>
    </message>
    <message>
        <source>{number} of {count}: {change}</source>
        <translation>第 {number} 项，共 {count} 项：{change}</translation>
    </message>
    <message>
        <source>Measuring the current layout…</source>
        <translation>正在测量当前布局…</translation>
    </message>
    <message>
        <source>Current layout</source>
        <translation>当前布局</translation>
    </message>
    <message>
        <source>16-bit KV cache</source>
        <translation>16 位 KV 缓存</translation>
    </message>
    <message>
        <source>8-bit KV cache</source>
        <translation>8 位 KV 缓存</translation>
    </message>
    <message>
        <source>Larger batches</source>
        <translation>增大批大小</translation>
    </message>
    <message>
        <source>Smaller batches</source>
        <translation>减小批大小</translation>
    </message>
    <message>
        <source>Pipeline parallelism switched</source>
        <translation>切换流水线并行</translation>
    </message>
    <message>
        <source>Single GPU</source>
        <translation>仅用一块 GPU</translation>
    </message>
    <message>
        <source>More experts in RAM</source>
        <translation>更多专家放在内存中</translation>
    </message>
    <message>
        <source>Fewer threads</source>
        <translation>减少线程</translation>
    </message>
    <message>
        <source>Flash attention switched</source>
        <translation>切换 Flash Attention</translation>
    </message>
    <message>
        <source>Same number of layers on each GPU</source>
        <translation>各 GPU 层数相同</translation>
    </message>
    <message>
        <source>{device}: {count} layers</source>
        <translation>{device}：{count} 层</translation>
    </message>
    <message>
        <source>all in RAM</source>
        <translation>全部在内存中</translation>
    </message>
    <message>
        <source>experts of {count} layers in RAM</source>
        <translation>{count} 层的专家在内存中</translation>
    </message>
    <message>
        <source>KV {kind}</source>
        <translation>KV {kind}</translation>
    </message>
    <message>
        <source>batch {batch}/{micro}</source>
        <translation>批 {batch}/{micro}</translation>
    </message>
    <message>
        <source>{count} threads</source>
        <translation>{count} 个线程</translation>
    </message>
    <message>
        <source>Prompt, tokens/s</source>
        <translation>提示词，token/秒</translation>
    </message>
    <message>
        <source>Answer, tokens/s</source>
        <translation>回答，token/秒</translation>
    </message>
    <message>
        <source>{plan} (fastest)</source>
        <translation>{plan}（最快）</translation>
    </message>
</context>
<context>
    <name>MemorySettings</name>
    <message>
        <source>New fact</source>
        <translation>新内容</translation>
    </message>
    <message>
        <source>For example: I&apos;m vegetarian.</source>
        <translation>例如：我吃素。</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>添加</translation>
    </message>
    <message>
        <source>Search facts</source>
        <translation>搜索记忆</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Copy all</source>
        <translation>全部复制</translation>
    </message>
    <message>
        <source>Nothing is remembered yet.</source>
        <translation>还没有记住任何内容。</translation>
    </message>
    <message>
        <source>Edit fact</source>
        <translation>编辑记忆</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Fact deleted.</source>
        <translation>记忆已删除。</translation>
    </message>
</context>
<context>
    <name>MessageItems</name>
    <message>
        <source>Loading {model}: {percent}%{left}</source>
        <translation>正在加载 {model}：{percent}%{left}</translation>
    </message>
    <message>
        <source>Thinking…{left}</source>
        <translation>正在思考…{left}</translation>
    </message>
    <message>
        <source>Reading the conversation: {read} of {total} tokens{left}</source>
        <translation>正在读取对话：{read} / {total} 个 token{left}</translation>
    </message>
    <message>
        <source>Waiting for {model}…{left}</source>
        <translation>正在等待 {model}…{left}</translation>
    </message>
    <message>
        <source>Kept in context.</source>
        <translation>已保留在上下文中。</translation>
    </message>
    <message>
        <source>Summary of {count} messages</source>
        <translation>{count} 条消息的总结</translation>
    </message>
    <message>
        <source>Running {name}…{left}</source>
        <translation>正在运行 {name}…{left}</translation>
    </message>
    <message>
        <source>Waiting for the other answer to finish…</source>
        <translation>正在等待另一个回答完成…</translation>
    </message>
    <message>
        <source>Summarising the oldest {count} messages… ({tokens} tokens)</source>
        <translation>正在总结最早的 {count} 条消息…（{tokens} 个 token）</translation>
    </message>
    <message>
        <source>{number} tokens/s</source>
        <translation>{number} token/秒</translation>
    </message>
    <message>
        <source>{seconds} s</source>
        <translation>{seconds} 秒</translation>
    </message>
    <message>
        <source>{minutes} min {seconds} s</source>
        <translation>{minutes} 分 {seconds} 秒</translation>
    </message>
    <message>
        <source>Reading the oldest messages for a summary: {read} of {total} tokens{left}</source>
        <translation>正在读取最早的消息以便总结：{read}/{total} 个 token{left}</translation>
    </message>
    <message>
        <source>Interrupted: the program closed before the answer was complete. The partial answer is kept.</source>
        <translation>已中断：回答完成前程序已退出。已生成的内容会保留。</translation>
    </message>
    <message>
        <source>Stopped.</source>
        <translation>已停止。</translation>
    </message>
    <message>
        <source>The model wants to run {names}. Check the call first: a tool acts with your rights.</source>
        <translation>模型想运行 {names}。请先检查这次调用：工具以你的权限运行。</translation>
    </message>
    <message>
        <source>Answered without web search: this model doesn&apos;t know tools. Try again with another.</source>
        <translation>回答时没有联网搜索：这个模型不支持工具，请换个模型重试。</translation>
    </message>
    <message>
        <source>Answered without tools: this model doesn&apos;t know them. Try again with another.</source>
        <translation>回答时没有使用工具：这个模型不支持工具，请换个模型重试。</translation>
    </message>
    <message>
        <source>Stopped: the context is full.</source>
        <translation>已停止：上下文已满。</translation>
    </message>
    <message>
        <source>This isn&apos;t JSON: the server didn&apos;t follow the answer format of the conversation.</source>
        <translation>这不是 JSON：服务器没有遵循此对话的回答格式。</translation>
    </message>
    <message>
        <source>{count} more</source>
        <translation>还有 {count} 个</translation>
    </message>
    <message>
        <source>p. {page}</source>
        <translation>第 {page} 页</translation>
    </message>
    <message>
        <source>passage {number}</source>
        <translation>段落 {number}</translation>
    </message>
    <message>
        <source>Edited</source>
        <translation>已编辑</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个 token</translation>
    </message>
    <message>
        <source>The model no longer sees the messages above</source>
        <translation>模型已看不到以上消息</translation>
    </message>
    <message>
        <source>stopped at the token limit</source>
        <translation>达到 token 数上限，已停止</translation>
    </message>
    <message>
        <source>{name} · {size}</source>
        <translation>{name} · {size}</translation>
    </message>
    <message>
        <source>about {count} tokens</source>
        <translation>约 {count} 个 token</translation>
    </message>
    <message>
        <source>, {time} left</source>
        <translation>，剩余 {time}</translation>
    </message>
    <message>
        <source> ({time} so far)</source>
        <translation>（已用 {time}）</translation>
    </message>
</context>
<context>
    <name>ModelDetails</name>
    <message>
        <source>More actions for this model</source>
        <translation>此模型的更多操作</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详细信息</translation>
    </message>
    <message>
        <source>Model information</source>
        <translation>模型信息</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
    </message>
    <message>
        <source>Change the models folder…</source>
        <translation>更改模型文件夹…</translation>
    </message>
    <message>
        <source>Memory layout</source>
        <translation>显存布局</translation>
    </message>
    <message>
        <source>Download settings…</source>
        <translation>下载设置…</translation>
    </message>
    <message>
        <source>A tiny model to try the program. Its answers are often wrong.</source>
        <translation>供试用的微型模型，回答经常出错。</translation>
    </message>
    <message>
        <source>Download {size}</source>
        <translation>下载 {size}</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy: {name}</source>
        <translation>复制：{name}</translation>
    </message>
    <message>
        <source>{count} ({used} active)</source>
        <translation>{count} 个（激活 {used} 个）</translation>
    </message>
    <message>
        <source>separate</source>
        <translation>各自独立</translation>
    </message>
    <message>
        <source>stacked during download</source>
        <translation>下载时已堆叠</translation>
    </message>
    <message>
        <source>included in the model</source>
        <translation>模型自带</translation>
    </message>
    <message>
        <source>none (ChatML is used)</source>
        <translation>无（使用 ChatML）</translation>
    </message>
    <message>
        <source>Architecture</source>
        <translation>架构</translation>
    </message>
    <message>
        <source>Parameters</source>
        <translation>参数量</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>层数</translation>
    </message>
    <message>
        <source>Experts</source>
        <translation>专家</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>Vocabulary</source>
        <translation>词表</translation>
    </message>
    <message>
        <source>Quantisation</source>
        <translation>量化</translation>
    </message>
    <message>
        <source>Chat template</source>
        <translation>对话模板</translation>
    </message>
    <message>
        <source>Expert tensors</source>
        <translation>专家张量</translation>
    </message>
    <message>
        <source>about {size}</source>
        <translation>约 {size}</translation>
    </message>
    <message>
        <source>{size} ({bytes} bytes)</source>
        <translation>{size}（{bytes} 字节）</translation>
    </message>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
    <message>
        <source>File</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>Files</source>
        <translation>文件</translation>
    </message>
    <message>
        <source>and {count} more</source>
        <translation>还有 {count} 个</translation>
    </message>
    <message>
        <source>Pictures</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>The model can read them, with this file:</source>
        <translation>模型可识别图片，使用此文件：</translation>
    </message>
    <message>
        <source>{bits} ({shares})</source>
        <translation>{bits}（{shares}）</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>verified on {date}</source>
        <translation>校验于 {date}</translation>
    </message>
    <message>
        <source>computed on {date}</source>
        <translation>计算于 {date}</translation>
    </message>
    <message>
        <source>The hub lists no SHA-256, so the download of {date} couldn&apos;t be verified.</source>
        <translation>该 Hub 未列出 SHA-256，因此 {date} 的下载无法校验。</translation>
    </message>
    <message>
        <source>see the repository page</source>
        <translation>见仓库页面</translation>
    </message>
    <message>
        <source>Licence</source>
        <translation>许可证</translation>
    </message>
    <message>
        <source>Created by</source>
        <translation>开发者</translation>
    </message>
    <message>
        <source>Repository</source>
        <translation>仓库</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个 token</translation>
    </message>
    <message>
        <source>{bits} bits per weight</source>
        <translation>每个权重 {bits} 位</translation>
    </message>
</context>
<context>
    <name>ModelFits</name>
    <message>
        <source>Estimated from the header of another quantisation.</source>
        <translation>根据另一个量化版本的文件头估算。</translation>
    </message>
    <message>
        <source>Other programs use much of the RAM at the moment: close some first.</source>
        <translation>其他程序目前占用了大量内存：请先关闭一些程序。</translation>
    </message>
    <message>
        <source>Doesn&apos;t fit</source>
        <translation>放不下</translation>
    </message>
    <message>
        <source>Measured: {speed} tokens/s</source>
        <translation>实测：{speed} token/秒</translation>
    </message>
    <message>
        <source>It&apos;s larger than the memory of this computer.</source>
        <translation>超过这台电脑的内存。</translation>
    </message>
    <message>
        <source>Fits</source>
        <translation>可以运行</translation>
    </message>
    <message>
        <source>Fits, fast</source>
        <translation>可以运行，速度快</translation>
    </message>
    <message>
        <source>Fits, but slow</source>
        <translation>可以运行，但较慢</translation>
    </message>
    <message>
        <source>It fits by the size of its file.</source>
        <translation>按文件大小估计可以运行。</translation>
    </message>
    <message>
        <source>About {speed} tokens/s</source>
        <translation>约 {speed} token/秒</translation>
    </message>
    <message>
        <source>About {speed} tokens/s, partly in RAM</source>
        <translation>约 {speed} token/秒，部分在内存中运行</translation>
    </message>
    <message>
        <source>About {speed} tokens/s, in RAM</source>
        <translation>约 {speed} token/秒，在内存中运行</translation>
    </message>
    <message>
        <source>Its {size} don&apos;t fit into the {room} that this computer has for models.</source>
        <translation>它有 {size}，这台电脑可用于模型的内存只有 {room}。</translation>
    </message>
</context>
<context>
    <name>ModelPicker</name>
    <message>
        <source>GGUF model files (*.gguf)</source>
        <translation>GGUF 模型文件 (*.gguf)</translation>
    </message>
    <message>
        <source>Choose a model file</source>
        <translation>选择模型文件</translation>
    </message>
    <message>
        <source>Convert…</source>
        <translation>转换…</translation>
    </message>
    <message>
        <source>Choose a model</source>
        <translation>选择模型</translation>
    </message>
    <message>
        <source>No model selected</source>
        <translation>尚未选择模型</translation>
    </message>
    <message>
        <source>Loaded when you send a message</source>
        <translation>发送消息时加载</translation>
    </message>
    <message>
        <source>Loading…</source>
        <translation>正在加载…</translation>
    </message>
    <message>
        <source>Loaded and ready</source>
        <translation>已加载，可以使用</translation>
    </message>
    <message>
        <source>Looking for the best model for this computer…</source>
        <translation>正在为这台电脑寻找最合适的模型…</translation>
    </message>
    <message>
        <source>None of the models fits on this computer. Use a server, or the starter model for a first try.</source>
        <translation>这台电脑放不下任何一个模型。请使用服务器，或先试用入门模型。</translation>
    </message>
    <message>
        <source>Your download: {name}</source>
        <translation>你的下载：{name}</translation>
    </message>
    <message>
        <source>Download {name}, {size}</source>
        <translation>下载 {name}，{size}</translation>
    </message>
    <message>
        <source>Download {name}, {size}, about {speed} tokens/s</source>
        <translation>下载 {name}，{size}，约 {speed} token/秒</translation>
    </message>
    <message>
        <source>Best for this computer: {name}</source>
        <translation>最适合这台电脑：{name}</translation>
    </message>
    <message>
        <source>Memory layout</source>
        <translation>显存布局</translation>
    </message>
    <message>
        <source>Models…</source>
        <translation>模型…</translation>
    </message>
    <message>
        <source>Model files on this computer (Ctrl+M)</source>
        <translation>这台电脑上的模型文件 (Ctrl+M)</translation>
    </message>
    <message>
        <source>Unload</source>
        <translation>从内存释放</translation>
    </message>
    <message>
        <source>Unload model (frees its memory)</source>
        <translation>卸载模型（释放内存）</translation>
    </message>
    <message>
        <source>Search models</source>
        <translation>搜索模型</translation>
    </message>
    <message>
        <source>{model} on {server}</source>
        <translation>{model}（{server}）</translation>
    </message>
</context>
<context>
    <name>ModelPlan</name>
    <message>
        <source>Save for this model</source>
        <translation>为此模型保存</translation>
    </message>
    <message>
        <source>Loads this model with the options above from the next message on</source>
        <translation>从下一条消息起，按以上选项加载此模型</translation>
    </message>
    <message>
        <source>Copy llama-server command</source>
        <translation>复制 llama-server 命令</translation>
    </message>
    <message>
        <source>Copies a command that starts llama.cpp&apos;s server with the same layout</source>
        <translation>复制一条命令，用相同的布局启动 llama.cpp 的服务器</translation>
    </message>
    <message>
        <source>Scanning devices…</source>
        <translation>正在检测设备…</translation>
    </message>
    <message>
        <source>Other programs use much of the RAM at the moment, so this isn&apos;t the usual plan: close some first.</source>
        <translation>其他程序目前占用了大量内存，因此这不是通常的方案：请先关闭一些程序。</translation>
    </message>
    <message>
        <source>Download the model to measure its speed.</source>
        <translation>下载模型后才能测速。</translation>
    </message>
    <message>
        <source>These GPUs are simulated, so there is nothing to measure.</source>
        <translation>这些 GPU 是模拟的，无法测速。</translation>
    </message>
    <message>
        <source>Saved. The next message loads the model with this layout.</source>
        <translation>已保存，下一条消息将按此布局加载模型。</translation>
    </message>
    <message>
        <source>Copied.</source>
        <translation>已复制。</translation>
    </message>
    <message>
        <source>The speed is being measured.</source>
        <translation>正在测速。</translation>
    </message>
</context>
<context>
    <name>ModelsController</name>
    <message>
        <source>Checking {name}…</source>
        <translation>正在检查 {name}…</translation>
    </message>
    <message>
        <source>Path copied to the clipboard.</source>
        <translation>路径已复制到剪贴板。</translation>
    </message>
    <message>
        <source>Cancel the download of {name}?</source>
        <translation>要取消下载 {name} 吗？</translation>
    </message>
    <message>
        <source>This deletes the {size} already downloaded. To keep it, pause the download instead.</source>
        <translation>已下载的 {size} 将被删除。如需保留，请改为暂停下载。</translation>
    </message>
    <message>
        <source>Cancel and delete {size}</source>
        <translation>取消并删除 {size}</translation>
    </message>
    <message>
        <source>Keep download</source>
        <translation>不取消</translation>
    </message>
    <message>
        <source>{name} is ready to use.</source>
        <translation>{name} 已可使用。</translation>
    </message>
    <message>
        <source>{file} doesn&apos;t match the published file.</source>
        <translation>{file} 与发布的文件不符。</translation>
    </message>
    <message>
        <source>{file} is intact and matches the file that was published when you downloaded it. A different file has since been published under that name.</source>
        <translation>{file} 完好无损，与下载时发布的文件一致。此后，同名文件已更换为另一个版本。</translation>
    </message>
    <message>
        <source>{file} matches the published file exactly.</source>
        <translation>{file} 与发布的文件完全一致。</translation>
    </message>
    <message>
        <source>{file} was read completely, but there is no published checksum to compare it with.</source>
        <translation>{file} 已完整读取，但没有已发布的校验值，无法比对。</translation>
    </message>
    <message>
        <source>Added {path} to the list. New models: {count}. The files stay where they are.</source>
        <translation>已将 {path} 加入列表，新增 {count} 个模型，文件仍在原处。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Added {count} models. The files stay where they are.</source>
        <translation>已添加 {count} 个模型，文件仍在原处。</translation>
    </message>
    <message>
        <source>Added {name}. The file stays where it is.</source>
        <translation>已添加 {name}，文件仍在原处。</translation>
    </message>
    <message>
        <source>{name} is already in the list.</source>
        <translation>{name} 已在列表中。</translation>
    </message>
    <message>
        <source>{name} is split into parts. Join them into one file.</source>
        <translation>{name} 分为多个分卷，请将它们合并为一个文件。</translation>
    </message>
    <message>
        <source>{name} must be converted before you can use it.</source>
        <translation>{name} 需要先转换才能使用。</translation>
    </message>
    <message>
        <source>Download {name}? It doesn&apos;t fit on this computer.</source>
        <translation>要下载 {name} 吗？这台电脑放不下它。</translation>
    </message>
    <message>
        <source>Download {name}? It doesn&apos;t fit on the disk.</source>
        <translation>要下载 {name} 吗？磁盘空间不够。</translation>
    </message>
    <message>
        <source>Download anyway</source>
        <translation>仍然下载</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Deleted {name}. {size} of disk space freed.</source>
        <translation>已删除 {name}，释放了 {size} 磁盘空间。</translation>
    </message>
    <message>
        <source>Removed {name} from the list. The file stays where it is.</source>
        <translation>已将 {name} 移出列表，文件仍在原处。</translation>
    </message>
    <message>
        <source>Removed {path} from the list. The files stay where they are.</source>
        <translation>已将 {path} 移出列表，文件仍在原处。</translation>
    </message>
    <message>
        <source>This can&apos;t be undone.</source>
        <translation>此操作无法撤销。</translation>
    </message>
    <message>
        <source>This model is in use.</source>
        <translation>此模型正在使用中。</translation>
    </message>
    <message>
        <source>To keep the file, remove it from the list instead.</source>
        <translation>如需保留文件，请改为将其移出列表。</translation>
    </message>
    <message>
        <source>Delete {name}?</source>
        <translation>要删除 {name} 吗？</translation>
    </message>
    <message>
        <source>Delete {size}</source>
        <translation>删除 {size}</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Keep file</source>
        <translation>保留文件</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
</context>
<context>
    <name>ModelsPage</name>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Any GGUF chat model works. Drop files or folders here; they stay where they are.</source>
        <translation>支持任何 GGUF 对话模型。可将文件或文件夹拖放到这里，文件仍保留在原处。</translation>
    </message>
    <message>
        <source>Clear search</source>
        <translation>清除搜索内容</translation>
    </message>
    <message>
        <source>Search Hugging Face, or paste OWNER/REPO</source>
        <translation>搜索 Hugging Face，或粘贴 OWNER/REPO</translation>
    </message>
    <message>
        <source>Search Hugging Face</source>
        <translation>搜索 Hugging Face</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Models on this computer and models you can download</source>
        <translation>这台电脑上的模型，以及可以下载的模型</translation>
    </message>
    <message>
        <source>Add a model file…</source>
        <translation>添加模型文件…</translation>
    </message>
    <message>
        <source>Add a folder…</source>
        <translation>添加文件夹…</translation>
    </message>
    <message>
        <source>Download settings…</source>
        <translation>下载设置…</translation>
    </message>
    <message>
        <source>Downloads</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>the model this program is designed for</source>
        <translation>本程序专为此模型打造</translation>
    </message>
    <message>
        <source>Best for this computer</source>
        <translation>最适合这台电脑</translation>
    </message>
    <message>
        <source>On this computer</source>
        <translation>这台电脑上的模型</translation>
    </message>
    <message>
        <source>Asking the hub…</source>
        <translation>正在查询 Hub…</translation>
    </message>
    <message>
        <source>Available for download</source>
        <translation>可下载的模型</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Model files (*.gguf *.gguf*);;All files (*)</source>
        <translation>模型文件 (*.gguf *.gguf*);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Add a model file</source>
        <translation>添加模型文件</translation>
    </message>
    <message>
        <source>{program}, models: {count}</source>
        <translation>{program}：{count} 个模型</translation>
    </message>
    <message>
        <source>Another folder…</source>
        <translation>其他文件夹…</translation>
    </message>
    <message>
        <source>Add a models folder</source>
        <translation>添加模型文件夹</translation>
    </message>
</context>
<context>
    <name>NoticeBar</name>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
</context>
<context>
    <name>OptionSpinBox</name>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Automatic ({kind})</source>
        <translation>自动（{kind}）</translation>
    </message>
</context>
<context>
    <name>OverridesController</name>
    <message>
        <source>The selected model doesn&apos;t know tools, so it can&apos;t search the web.</source>
        <translation>所选模型不支持工具，无法联网搜索。</translation>
    </message>
    <message>
        <source>Choose a model…</source>
        <translation>选择模型…</translation>
    </message>
    <message>
        <source>To search the web, set up a search service first. No search is sent before that.</source>
        <translation>要联网搜索，请先设置搜索服务。设置好之前不会发送任何搜索。</translation>
    </message>
    <message>
        <source>Choose…</source>
        <translation>选择…</translation>
    </message>
    <message>
        <source>“{name}” applied.</source>
        <translation>已应用“{name}”。</translation>
    </message>
</context>
<context>
    <name>Page</name>
    <message>
        <source>Back</source>
        <translation>返回</translation>
    </message>
</context>
<context>
    <name>Palette</name>
    <message>
        <source>Search conversations, models, settings and commands</source>
        <translation>搜索对话、模型、设置和命令</translation>
    </message>
    <message>
        <source>Nothing matches.</source>
        <translation>没有匹配项。</translation>
    </message>
    <message>
        <source>Search all messages for “{text}”</source>
        <translation>在所有消息中搜索“{text}”</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Presets</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>Untitled</source>
        <translation>无标题</translation>
    </message>
    <message>
        <source>Conversations</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Archive</source>
        <translation>归档</translation>
    </message>
    <message>
        <source>Folders</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>No folder</source>
        <translation>不在文件夹中</translation>
    </message>
    <message>
        <source>Move to folder: {name}</source>
        <translation>移动到文件夹：{name}</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>{setting}: {choice}</source>
        <translation>{setting}：{choice}</translation>
    </message>
    <message>
        <source>Move this conversation to trash</source>
        <translation>将此对话移到回收站</translation>
    </message>
    <message>
        <source>delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Archive this conversation</source>
        <translation>归档此对话</translation>
    </message>
    <message>
        <source>Commands</source>
        <translation>命令</translation>
    </message>
    <message>
        <source>Show archive</source>
        <translation>显示归档</translation>
    </message>
    <message>
        <source>Show trash</source>
        <translation>显示回收站</translation>
    </message>
    <message>
        <source>Rename this conversation</source>
        <translation>重命名此对话</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Rename conversation</source>
        <translation>重命名对话</translation>
    </message>
    <message>
        <source>Title</source>
        <translation>标题</translation>
    </message>
</context>
<context>
    <name>ParameterForm</name>
    <message>
        <source>Advanced</source>
        <translation>高级</translation>
    </message>
    <message>
        <source>Hidden</source>
        <translation>已隐藏</translation>
    </message>
    <message>
        <source>Shown</source>
        <translation>显示</translation>
    </message>
</context>
<context>
    <name>PictureViewer</name>
    <message>
        <source>Picture {name}</source>
        <translation>图片 {name}</translation>
    </message>
    <message>
        <source>{width} × {height} pixels, {bytes}</source>
        <translation>{width} × {height} 像素，{bytes}</translation>
    </message>
    <message>
        <source>Save as…</source>
        <translation>另存为…</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Save as</source>
        <translation>另存为</translation>
    </message>
    <message>
        <source>Saved as {name}.</source>
        <translation>已另存为 {name}。</translation>
    </message>
</context>
<context>
    <name>PlanPanel</name>
    <message>
        <source>More options</source>
        <translation>更多选项</translation>
    </message>
    <message>
        <source>Advanced</source>
        <translation>高级</translation>
    </message>
    <message>
        <source>Reset to automatic</source>
        <translation>恢复自动</translation>
    </message>
    <message>
        <source>Reset all options to automatic</source>
        <translation>将所有选项恢复为自动</translation>
    </message>
    <message>
        <source>Automatic ({kind})</source>
        <translation>自动（{kind}）</translation>
    </message>
    <message>
        <source>f16: exact</source>
        <translation>f16：精确</translation>
    </message>
    <message>
        <source>q8_0: half the memory, almost no loss</source>
        <translation>q8_0：占用减半，几乎无损</translation>
    </message>
    <message>
        <source>q4_0: a quarter of the memory, less exact</source>
        <translation>q4_0：占用四分之一，精度较低</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>Layers on GPUs</source>
        <translation>GPU 上的层数</translation>
    </message>
    <message>
        <source>Experts in RAM (layers)</source>
        <translation>放在内存中的专家（层数）</translation>
    </message>
    <message>
        <source>Split mode</source>
        <translation>切分方式</translation>
    </message>
    <message>
        <source>Main GPU</source>
        <translation>主 GPU</translation>
    </message>
    <message>
        <source>Flash attention</source>
        <translation>Flash Attention</translation>
    </message>
    <message>
        <source>Sliding windows</source>
        <translation>滑动窗口</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>线程数</translation>
    </message>
    <message>
        <source>Batch size (tokens)</source>
        <translation>批大小（token）</translation>
    </message>
    <message>
        <source>Micro-batch size (tokens)</source>
        <translation>微批大小（token）</translation>
    </message>
    <message>
        <source>Layers that the GPUs compute. The CPU computes the others, which is slower.</source>
        <translation>由 GPU 计算的层数。其余层由 CPU 计算，速度较慢。</translation>
    </message>
    <message>
        <source>Layers whose experts stay in RAM. Frees memory of the GPUs, but is slower.</source>
        <translation>将这些层的专家放在内存中。可节省显存，但速度较慢。</translation>
    </message>
    <message>
        <source>How the model is divided among the GPUs. By layer works with all of them.</source>
        <translation>模型在多块 GPU 之间的拆分方式。按层拆分适用于所有 GPU。</translation>
    </message>
    <message>
        <source>The GPU for everything that isn&apos;t divided among the GPUs.</source>
        <translation>承担未拆分部分的 GPU。</translation>
    </message>
    <message>
        <source>A way to compute attention that is faster and takes less memory.</source>
        <translation>一种更快、更省内存的注意力计算方式。</translation>
    </message>
    <message>
        <source>What layers with a sliding window keep of the conversation.</source>
        <translation>使用滑动窗口的层保留多少对话内容。</translation>
    </message>
    <message>
        <source>Threads of the CPU for the part of the model in RAM.</source>
        <translation>CPU 计算内存中的模型部分时使用的线程数。</translation>
    </message>
    <message>
        <source>Tokens of a prompt that are processed in one step.</source>
        <translation>每一步处理的提示词 token 数。</translation>
    </message>
    <message>
        <source>Tokens that a GPU computes at once. More are faster, but take more memory.</source>
        <translation>GPU 一次计算的 token 数。越多越快，但占用更多显存。</translation>
    </message>
    <message>
        <source>KV cache</source>
        <translation>KV 缓存</translation>
    </message>
    <message>
        <source>There is no GPU that the engine can use.</source>
        <translation>没有引擎可用的 GPU。</translation>
    </message>
    <message>
        <source>For at least two GPUs.</source>
        <translation>需要至少两块 GPU。</translation>
    </message>
    <message>
        <source>This model has no experts.</source>
        <translation>此模型没有专家。</translation>
    </message>
    <message>
        <source>This model has no sliding windows.</source>
        <translation>此模型不使用滑动窗口。</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>By layer</source>
        <translation>按层</translation>
    </message>
    <message>
        <source>By row</source>
        <translation>按行</translation>
    </message>
    <message>
        <source>By tensor</source>
        <translation>按张量</translation>
    </message>
    <message>
        <source>Single GPU</source>
        <translation>仅用一块 GPU</translation>
    </message>
    <message>
        <source>On</source>
        <translation>开</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Whole context</source>
        <translation>整个上下文</translation>
    </message>
    <message>
        <source>Only the window</source>
        <translation>仅窗口</translation>
    </message>
    <message>
        <source>{count} layers with the output</source>
        <translation>{count} 层（含输出层）</translation>
    </message>
    <message>
        <source>Split</source>
        <translation>切分</translation>
    </message>
    <message>
        <source>automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>manual</source>
        <translation>手动</translation>
    </message>
    <message>
        <source>Marked: experts in RAM</source>
        <translation>标记的层：专家在内存中</translation>
    </message>
    <message>
        <source>Other chats: up to {size}</source>
        <translation>其他对话：最多 {size}</translation>
    </message>
</context>
<context>
    <name>PlanView</name>
    <message>
        <source>Memory layout</source>
        <translation>显存布局</translation>
    </message>
    <message>
        <source>The engine found no usable GPU. Models run on the CPU.</source>
        <translation>引擎没有找到可用的 GPU，模型将在 CPU 上运行。</translation>
    </message>
</context>
<context>
    <name>Pointer</name>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
</context>
<context>
    <name>PresetsBar</name>
    <message>
        <source>None</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Save, rename, delete</source>
        <translation>保存、重命名、删除</translation>
    </message>
    <message>
        <source>Preset actions</source>
        <translation>预设操作</translation>
    </message>
    <message>
        <source>Save as new preset…</source>
        <translation>另存为新预设…</translation>
    </message>
    <message>
        <source>Rename “{name}”…</source>
        <translation>重命名“{name}”…</translation>
    </message>
    <message>
        <source>Reset “{name}”</source>
        <translation>将“{name}”恢复为默认</translation>
    </message>
    <message>
        <source>Delete “{name}”</source>
        <translation>删除“{name}”</translation>
    </message>
    <message>
        <source>Replace existing preset</source>
        <translation>替换已有预设</translation>
    </message>
    <message>
        <source>Save as new preset</source>
        <translation>另存为新预设</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>It contains all settings of this panel, also the answer format and the tools.</source>
        <translation>包含此面板中的所有设置，包括回答格式和工具。</translation>
    </message>
    <message>
        <source>Rename preset</source>
        <translation>重命名预设</translation>
    </message>
    <message>
        <source>Use “{name}” for new conversations</source>
        <translation>将“{name}”用于新对话</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Preset “{name}” saved. Later changes don&apos;t change it.</source>
        <translation>已保存预设“{name}”。之后的更改不会影响它。</translation>
    </message>
    <message>
        <source>“{name}” was reset.</source>
        <translation>已将“{name}”恢复为默认。</translation>
    </message>
    <message>
        <source>“{name}” was deleted.</source>
        <translation>已删除“{name}”。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
</context>
<context>
    <name>QFileSystemModel</name>
    <message>
        <source>Size</source>
        <translation>大小</translation>
    </message>
</context>
<context>
    <name>QuestionQueue</name>
    <message>
        <source>Questions that are sent next</source>
        <translation>接下来发送的问题</translation>
    </message>
    <message>
        <source>Edit the waiting question: {text}</source>
        <translation>编辑等待中的问题：{text}</translation>
    </message>
    <message>
        <source>Remove the waiting question: {text}</source>
        <translation>移除等待中的问题：{text}</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Next</source>
        <translation>接下来</translation>
    </message>
</context>
<context>
    <name>ReadingChip</name>
    <message>
        <source>reading, {percent}%</source>
        <translation>正在读取 {percent}%</translation>
    </message>
    <message>
        <source>Reading {name}. Remove it to cancel.</source>
        <translation>正在读取 {name}。移除即可取消。</translation>
    </message>
</context>
<context>
    <name>RecoveryDialog</name>
    <message>
        <source>Your conversations are missing</source>
        <translation>找不到对话</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
    </message>
    <message>
        <source>Recover messages</source>
        <translation>恢复可读取的消息</translation>
    </message>
    <message>
        <source>Restore backup</source>
        <translation>恢复备份</translation>
    </message>
    <message>
        <source>The file that contains them is gone or empty.</source>
        <translation>保存对话的文件不见了或为空。</translation>
    </message>
    <message>
        <source>The file that contains them is damaged. The messages that can still be read can be recovered from it.</source>
        <translation>保存对话的文件已损坏，其中仍可读取的消息可以恢复。</translation>
    </message>
    <message>
        <source>The file that contains them is damaged, and no message in it can be read.</source>
        <translation>保存对话的文件已损坏，其中没有可读取的消息。</translation>
    </message>
    <message>
        <source>There is no intact backup.</source>
        <translation>没有完好的备份。</translation>
    </message>
    <message>
        <source>The latest intact backup is from {time}.</source>
        <translation>最近一份完好的备份：{time}。</translation>
    </message>
    <message>
        <source>Whatever you choose, nothing is deleted: the file stays in the same folder under another name, and all backups, models and settings are kept.</source>
        <translation>无论选择哪一项，都不会删除任何内容：该文件会改名保留在同一文件夹中，所有备份、模型和设置也都会保留。</translation>
    </message>
    <message>
        <source>Your conversations can&apos;t be read</source>
        <translation>无法读取对话</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出程序</translation>
    </message>
    <message>
        <source>Start without conversations</source>
        <translation>不恢复，直接开始</translation>
    </message>
</context>
<context>
    <name>ResultRow</name>
    <message>
        <source>OK</source>
        <translation>正常</translation>
    </message>
    <message>
        <source>Could be improved</source>
        <translation>可以改进</translation>
    </message>
    <message>
        <source>Needs attention</source>
        <translation>需要处理</translation>
    </message>
    <message>
        <source>Copy command</source>
        <translation>复制命令</translation>
    </message>
    <message>
        <source>Copy command {command}</source>
        <translation>复制命令 {command}</translation>
    </message>
</context>
<context>
    <name>RowDelegate</name>
    <message>
        <source>Actions (Shift+F10)</source>
        <translation>操作 (Shift+F10)</translation>
    </message>
    <message>
        <source>Title</source>
        <translation>标题</translation>
    </message>
    <message>
        <source>{count} hits · {date}</source>
        <translation>{count} 处匹配 · {date}</translation>
    </message>
</context>
<context>
    <name>RowModel</name>
    <message>
        <source>Drag conversations here.</source>
        <translation>把对话拖到这里。</translation>
    </message>
    <message>
        <source>Untitled</source>
        <translation>无标题</translation>
    </message>
    <message>
        <source>All {count} hits</source>
        <translation>全部 {count} 处匹配</translation>
    </message>
    <message>
        <source>{title}, waiting for another answer</source>
        <translation>{title}，等待其他回答完成</translation>
    </message>
    <message>
        <source>{title}, answering</source>
        <translation>{title}，正在回答</translation>
    </message>
    <message>
        <source>{title}, new answer</source>
        <translation>{title}，有新回答</translation>
    </message>
    <message>
        <source>expanded</source>
        <translation>已展开</translation>
    </message>
    <message>
        <source>collapsed</source>
        <translation>已折叠</translation>
    </message>
    <message>
        <source>{name}, folder with {count} conversations, {state}</source>
        <translation>{name}，文件夹，{count} 个对话，{state}</translation>
    </message>
    <message>
        <source>{name}, folder with 1 conversation, {state}</source>
        <translation>{name}，包含 1 个对话的文件夹，{state}</translation>
    </message>
    <message>
        <source>{title}, deleted {date}</source>
        <translation>{title}，删除于 {date}</translation>
    </message>
    <message>
        <source>{title}, pinned</source>
        <translation>{title}，已置顶</translation>
    </message>
    <message>
        <source>1 hit</source>
        <translation>1 处匹配</translation>
    </message>
    <message>
        <source>{count} hits</source>
        <translation>{count} 处匹配</translation>
    </message>
    <message>
        <source>Document {name}</source>
        <translation>文档 {name}</translation>
    </message>
</context>
<context>
    <name>ScopeSelector</name>
    <message>
        <source>This message</source>
        <translation>这条消息</translation>
    </message>
    <message>
        <source>This conversation: {title}</source>
        <translation>这个对话：{title}</translation>
    </message>
    <message>
        <source>This conversation</source>
        <translation>这个对话</translation>
    </message>
    <message>
        <source>Selected conversations ({count})</source>
        <translation>选中的对话（{count} 个）</translation>
    </message>
    <message>
        <source>All conversations outside the trash ({count})</source>
        <translation>全部对话，不含回收站（{count}）</translation>
    </message>
</context>
<context>
    <name>SectionList</name>
    <message>
        <source>Sections</source>
        <translation>分类</translation>
    </message>
</context>
<context>
    <name>ServerRow</name>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Models on {server}</source>
        <translation>{server} 上的模型</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>使用</translation>
    </message>
    <message>
        <source>Refresh models</source>
        <translation>刷新模型列表</translation>
    </message>
    <message>
        <source>Change key…</source>
        <translation>更改密钥…</translation>
    </message>
    <message>
        <source>Type the key and press Enter</source>
        <translation>输入密钥后按回车</translation>
    </message>
    <message>
        <source>New API key for {server}</source>
        <translation>{server} 的新 API 密钥</translation>
    </message>
</context>
<context>
    <name>ServerSettings</name>
    <message>
        <source>Connecting to {url}…</source>
        <translation>正在连接 {url}…</translation>
    </message>
    <message>
        <source>This system has no keyring. The API key is kept only until you quit the program.</source>
        <translation>此系统没有密钥环，API 密钥只保留到程序退出。</translation>
    </message>
    <message>
        <source>{server} doesn&apos;t list any models yet.</source>
        <translation>{server} 还没有列出任何模型。</translation>
    </message>
    <message>
        <source>{server} offers {models}.</source>
        <translation>“{server}”提供 {models}。</translation>
    </message>
    <message>
        <source>Use {model}</source>
        <translation>使用 {model}</translation>
    </message>
    <message>
        <source>Remove {server} and its API key?</source>
        <translation>要移除“{server}”及其 API 密钥吗？</translation>
    </message>
    <message>
        <source>Add anyway</source>
        <translation>仍然添加</translation>
    </message>
    <message>
        <source>Removed {server} and its API key.</source>
        <translation>已移除“{server}”及其 API 密钥。</translation>
    </message>
    <message>
        <source>Looking for servers…</source>
        <translation>正在查找服务器…</translation>
    </message>
    <message>
        <source>Servers found: {count}</source>
        <translation>找到 {count} 个服务器</translation>
    </message>
    <message>
        <source>No other servers found on this PC or in your network.</source>
        <translation>在这台电脑和网络中没有找到其他服务器。</translation>
    </message>
    <message>
        <source>Enter the API key of {server}.</source>
        <translation>请输入 {server} 的 API 密钥。</translation>
    </message>
    <message>
        <source>{server} is already in the list.</source>
        <translation>{server} 已在列表中。</translation>
    </message>
    <message>
        <source>Remove server</source>
        <translation>移除服务器</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Messages are now answered by {model} on {server}.</source>
        <translation>现在由 {model}（{server}）回答。</translation>
    </message>
    <message>
        <source>Any OpenAI-compatible server: vLLM, llama-server, Ollama, LM Studio, or a hosted service. What you write is sent only to the server that answers.</source>
        <translation>支持任何兼容 OpenAI 的服务器：vLLM、llama-server、Ollama、LM Studio 或托管服务。你写的内容只会发送给负责回答的服务器。</translation>
    </message>
    <message>
        <source>Looks for programs with models on this PC, and for models that other PCs in your network share with APUS Chat.</source>
        <translation>查找这台电脑上提供模型的程序，以及网络中其他电脑通过 APUS Chat 共享的模型。</translation>
    </message>
    <message>
        <source>Any server</source>
        <translation>其他服务器</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>地址</translation>
    </message>
    <message>
        <source>API key</source>
        <translation>API 密钥</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>API key (optional)</source>
        <translation>API 密钥（可选）</translation>
    </message>
    <message>
        <source>Any name you like</source>
        <translation>可任意命名</translation>
    </message>
    <message>
        <source>Server address</source>
        <translation>服务器地址</translation>
    </message>
    <message>
        <source>Look for servers</source>
        <translation>查找服务器</translation>
    </message>
    <message>
        <source>Service</source>
        <translation>服务商</translation>
    </message>
    <message>
        <source>Get an API key…</source>
        <translation>获取 API 密钥…</translation>
    </message>
    <message>
        <source>Server API key</source>
        <translation>服务器 API 密钥</translation>
    </message>
    <message>
        <source>Server name</source>
        <translation>服务器名称</translation>
    </message>
    <message>
        <source>Add server</source>
        <translation>添加服务器</translation>
    </message>
    <message>
        <source>This address uses unencrypted HTTP. Anyone on the network path can read what you write and your API key.</source>
        <translation>此地址使用未加密的 HTTP，传输途中的任何人都能看到你写的内容和 API 密钥。</translation>
    </message>
</context>
<context>
    <name>SettingsPage</name>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Change…</source>
        <translation>更改…</translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>This computer has no GPU for models.</source>
        <translation>这台电脑没有可供模型使用的 GPU。</translation>
    </message>
    <message>
        <source>Defaults restored.</source>
        <translation>已恢复默认设置。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
</context>
<context>
    <name>ShortcutsDialog</name>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>Restore defaults</source>
        <translation>恢复默认</translation>
    </message>
    <message>
        <source>Click the keys of an action to change them. Backspace removes them. Grey ones can&apos;t be changed.</source>
        <translation>点击快捷键即可修改，按退格键清除。灰色的快捷键不能修改。</translation>
    </message>
    <message>
        <source>{one} or {other}</source>
        <translation>{one} 或 {other}</translation>
    </message>
    <message>
        <source>{keys} is needed for editing text.</source>
        <translation>{keys} 用于编辑文字。</translation>
    </message>
    <message>
        <source>{keys} is already used for “{action}”.</source>
        <translation>{keys} 已用于“{action}”。</translation>
    </message>
    <message>
        <source>Reassign</source>
        <translation>改为用在这里</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>Sidebar</name>
    <message>
        <source>Your conversations appear here.</source>
        <translation>你的对话会显示在这里。</translation>
    </message>
    <message>
        <source>{count} selected</source>
        <translation>已选 {count} 个</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>No results for &quot;{text}&quot;. Try another word or only part of it.</source>
        <translation>没有找到“{text}”。换个词，或只输入其中一部分试试。</translation>
    </message>
    <message>
        <source>Trash</source>
        <translation>回收站</translation>
    </message>
    <message>
        <source>Only in “{folder}”</source>
        <translation>仅在“{folder}”中</translation>
    </message>
    <message>
        <source>Search everywhere</source>
        <translation>搜索全部</translation>
    </message>
    <message>
        <source>Search in “{folder}”</source>
        <translation>在“{folder}”中搜索</translation>
    </message>
    <message>
        <source>Archive</source>
        <translation>归档</translation>
    </message>
    <message>
        <source>1 result</source>
        <translation>1 处匹配</translation>
    </message>
    <message>
        <source>{count} results</source>
        <translation>{count} 处匹配</translation>
    </message>
    <message>
        <source>First {count} results</source>
        <translation>前 {count} 处匹配</translation>
    </message>
    <message>
        <source>Archive · {count}</source>
        <translation>归档 · {count}</translation>
    </message>
    <message>
        <source>Archive, {count} conversations</source>
        <translation>归档，{count} 个对话</translation>
    </message>
    <message>
        <source>Trash · {count}</source>
        <translation>回收站 · {count}</translation>
    </message>
    <message>
        <source>Trash, {count} conversations</source>
        <translation>回收站，{count} 个对话</translation>
    </message>
    <message>
        <source>The trash isn&apos;t searched.</source>
        <translation>搜索不包含回收站。</translation>
    </message>
    <message>
        <source>The archive is empty. Archived conversations leave the list but still appear in search results.</source>
        <translation>归档是空的。已归档的对话不在列表中显示，但仍可搜索到。</translation>
    </message>
    <message>
        <source>The trash is empty. Deleted conversations are kept here for {days} days.</source>
        <translation>回收站是空的。删除的对话会在这里保留 {days} 天。</translation>
    </message>
    <message>
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>Search titles, messages, attachments and documents</source>
        <translation>搜索标题、消息、附件和文档</translation>
    </message>
    <message>
        <source>New folder</source>
        <translation>新建文件夹</translation>
    </message>
    <message>
        <source>Back to conversations</source>
        <translation>返回对话列表</translation>
    </message>
    <message>
        <source>Empty trash</source>
        <translation>清空回收站</translation>
    </message>
    <message>
        <source>Conversations in the trash are permanently deleted after {days} days.</source>
        <translation>回收站中的对话会在 {days} 天后永久删除。</translation>
    </message>
    <message>
        <source>Clear search</source>
        <translation>清除搜索内容</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新建对话</translation>
    </message>
    <message>
        <source>Conversations</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Model files on this computer (Ctrl+M)</source>
        <translation>这台电脑上的模型文件 (Ctrl+M)</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
</context>
<context>
    <name>SidebarController</name>
    <message>
        <source>{count} conversations archived.</source>
        <translation>已归档 {count} 个对话。</translation>
    </message>
    <message>
        <source>{count} conversations moved to trash.</source>
        <translation>已将 {count} 个对话移到回收站。</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>{count} conversations restored.</source>
        <translation>已恢复 {count} 个对话。</translation>
    </message>
    <message>
        <source>“{title}” archived.</source>
        <translation>已归档“{title}”。</translation>
    </message>
    <message>
        <source>“{title}” moved to trash.</source>
        <translation>已将“{title}”移到回收站。</translation>
    </message>
    <message>
        <source>Untitled</source>
        <translation>无标题</translation>
    </message>
    <message>
        <source>“{title}” restored.</source>
        <translation>已恢复“{title}”。</translation>
    </message>
    <message>
        <source>Delete this conversation permanently?</source>
        <translation>彻底删除这个对话？</translation>
    </message>
    <message>
        <source>Delete {count} conversations permanently?</source>
        <translation>彻底删除这 {count} 个对话？</translation>
    </message>
    <message>
        <source>Delete permanently</source>
        <translation>彻底删除</translation>
    </message>
    <message>
        <source>This can&apos;t be undone. Earlier backups still contain what you delete.</source>
        <translation>此操作无法撤销。此前的备份中仍保留被删除的内容。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
</context>
<context>
    <name>SummaryDialog</name>
    <message>
        <source>Summary of {count} messages</source>
        <translation>{count} 条消息的总结</translation>
    </message>
    <message>
        <source>The context was full. The model gets this text instead of the messages above the line, which stay in the conversation unchanged. Changes apply from the next answer.</source>
        <translation>上下文已满。模型用这段文字代替分隔线以上的消息；这些消息仍完整保留在对话中。修改从下一个回答起生效。</translation>
    </message>
    <message>
        <source>Summary</source>
        <translation>总结</translation>
    </message>
    <message>
        <source>Undo summary</source>
        <translation>撤销总结</translation>
    </message>
    <message>
        <source>The model gets the messages themselves again</source>
        <translation>让模型重新读取原消息</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
</context>
<context>
    <name>ToolChoice</name>
    <message>
        <source>MCP servers…</source>
        <translation>MCP 服务器…</translation>
    </message>
    <message>
        <source>Programs and services that a model can call, such as a search or your files.</source>
        <translation>模型可以调用的程序和服务，例如搜索或你的文件。</translation>
    </message>
    <message>
        <source>The selected model doesn&apos;t know tools. Choose another model to use them.</source>
        <translation>所选模型不支持工具。要使用工具，请选择其他模型。</translation>
    </message>
    <message>
        <source>Web search</source>
        <translation>联网搜索</translation>
    </message>
    <message>
        <source>Let the model change the memory</source>
        <translation>允许模型修改记忆</translation>
    </message>
    <message>
        <source>It couldn&apos;t be reached when it was last tried.</source>
        <translation>上次尝试时无法连接。</translation>
    </message>
    <message>
        <source>{count} tools, which take about {tokens} tokens of the context</source>
        <translation>{count} 个工具，约占用上下文 {tokens} 个 token</translation>
    </message>
</context>
<context>
    <name>ToolServerRow</name>
    <message>
        <source>Use {server}</source>
        <translation>使用 {server}</translation>
    </message>
    <message>
        <source>Conversations can use the tools of this server</source>
        <translation>对话可以使用此服务器的工具</translation>
    </message>
    <message>
        <source>Run without asking: {names}</source>
        <translation>无需询问即可运行：{names}</translation>
    </message>
    <message>
        <source>Ask again</source>
        <translation>重新询问</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Remove {server}</source>
        <translation>移除 {server}</translation>
    </message>
    <message>
        <source>Not connected</source>
        <translation>未连接</translation>
    </message>
    <message>
        <source>Connecting…</source>
        <translation>正在连接…</translation>
    </message>
    <message>
        <source>Connected, 1 tool</source>
        <translation>已连接，1 个工具</translation>
    </message>
    <message>
        <source>Connected, {count} tools</source>
        <translation>已连接，{count} 个工具</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Disconnect</source>
        <translation>断开</translation>
    </message>
    <message>
        <source>Connect</source>
        <translation>连接</translation>
    </message>
    <message>
        <source>Hide tools</source>
        <translation>隐藏工具</translation>
    </message>
    <message>
        <source>Show tools</source>
        <translation>显示工具</translation>
    </message>
    <message>
        <source>Not used: {count} more tools, too many, too large, or without a valid name.</source>
        <translation>另有 {count} 个工具未使用：数量过多、内容过大或名称无效。</translation>
    </message>
</context>
<context>
    <name>ToolSettings</name>
    <message>
        <source>MCP servers</source>
        <translation>MCP 服务器</translation>
    </message>
    <message>
        <source>Programs and web services that give models tools, for example to read files, over the Model Context Protocol. The program of a server runs with your rights on this computer, and a server on the web receives what the model sends to it: add only those that you trust. Most describe themselves in JSON, which you can paste here.</source>
        <translation>通过 MCP（模型上下文协议）为模型提供工具的程序或网络服务，例如读取文件。服务器程序以你的权限在这台电脑上运行，网络上的服务器会收到模型发送的内容，请只添加你信任的服务器。多数服务器会给出 JSON 配置，粘贴到这里即可。</translation>
    </message>
    <message>
        <source>JSON, command or address</source>
        <translation>JSON、命令或地址</translation>
    </message>
    <message>
        <source>JSON, command or address of an MCP server</source>
        <translation>MCP 服务器的 JSON、命令或地址</translation>
    </message>
    <message>
        <source>Add server</source>
        <translation>添加服务器</translation>
    </message>
    <message>
        <source>Added {servers}.</source>
        <translation>已添加 {servers}。</translation>
    </message>
    <message>
        <source>Removed {server}.</source>
        <translation>已移除“{server}”。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
</context>
<context>
    <name>Transcript</name>
    <message>
        <source>Jump to the newest message</source>
        <translation>跳到最新消息</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Copy as CSV</source>
        <translation>复制为 CSV</translation>
    </message>
    <message>
        <source>Copy for a spreadsheet</source>
        <translation>复制到电子表格</translation>
    </message>
    <message>
        <source>Save as CSV…</source>
        <translation>另存为 CSV…</translation>
    </message>
    <message>
        <source>Open link…</source>
        <translation>打开链接…</translation>
    </message>
    <message>
        <source>Copy link address</source>
        <translation>复制链接地址</translation>
    </message>
    <message>
        <source>Copy as Markdown</source>
        <translation>复制为 Markdown</translation>
    </message>
    <message>
        <source>Copy formula as LaTeX</source>
        <translation>复制公式 (LaTeX)</translation>
    </message>
    <message>
        <source>Copy message as text</source>
        <translation>将消息复制为文本</translation>
    </message>
    <message>
        <source>Copy message as Markdown</source>
        <translation>将消息复制为 Markdown</translation>
    </message>
    <message>
        <source>Select all</source>
        <translation>全选</translation>
    </message>
</context>
<context>
    <name>TranscriptStrings</name>
    <message>
        <source>You</source>
        <translation>你</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>The answer is complete.</source>
        <translation>回答已完成。</translation>
    </message>
    <message>
        <source>Version {place} of {count}</source>
        <translation>第 {place} 个版本，共 {count} 个</translation>
    </message>
    <message>
        <source>Attachment: {name}</source>
        <translation>附件：{name}</translation>
    </message>
    <message>
        <source>Picture: {name}</source>
        <translation>图片：{name}</translation>
    </message>
    <message>
        <source>Show the passage: {name}</source>
        <translation>查看段落：{name}</translation>
    </message>
    <message>
        <source>Open the page: {name}</source>
        <translation>打开网页：{name}</translation>
    </message>
    <message>
        <source>Only part is shown. Copy the message to get all of it.</source>
        <translation>只显示了一部分。复制消息可获得全部内容。</translation>
    </message>
    <message>
        <source>Show the summary that the model gets instead of the messages above</source>
        <translation>查看模型用来代替以上消息的总结</translation>
    </message>
    <message>
        <source>More</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>Hide</source>
        <translation>收起</translation>
    </message>
    <message>
        <source>Show more</source>
        <translation>展开</translation>
    </message>
    <message>
        <source>Show less</source>
        <translation>收起</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copy code</source>
        <translation>复制代码</translation>
    </message>
    <message>
        <source>Save code as a file…</source>
        <translation>将代码另存为文件…</translation>
    </message>
    <message>
        <source>Preview</source>
        <translation>预览</translation>
    </message>
    <message>
        <source>Show code</source>
        <translation>显示代码</translation>
    </message>
    <message>
        <source>Open in browser…</source>
        <translation>在浏览器中打开…</translation>
    </message>
    <message>
        <source>Drawing</source>
        <translation>图形</translation>
    </message>
    <message>
        <source>Drawing: {name}</source>
        <translation>图形：{name}</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Try again with…</source>
        <translation>换模型重试…</translation>
    </message>
    <message>
        <source>Compare versions…</source>
        <translation>对比版本…</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新建对话</translation>
    </message>
    <message>
        <source>Leave out the oldest turns</source>
        <translation>略去最早的对话轮次</translation>
    </message>
    <message>
        <source>Summarise the oldest turns</source>
        <translation>总结最早的对话轮次</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Run once</source>
        <translation>运行一次</translation>
    </message>
    <message>
        <source>Always run</source>
        <translation>始终运行</translation>
    </message>
    <message>
        <source>Don&apos;t run</source>
        <translation>不运行</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Edit answer…</source>
        <translation>编辑回答…</translation>
    </message>
    <message>
        <source>New conversation from here</source>
        <translation>从此处新建对话</translation>
    </message>
    <message>
        <source>Answer details…</source>
        <translation>回答的详细信息…</translation>
    </message>
    <message>
        <source>Export this message…</source>
        <translation>导出此消息…</translation>
    </message>
    <message>
        <source>Kept in context</source>
        <translation>已保留</translation>
    </message>
    <message>
        <source>Wrap long lines in all code</source>
        <translation>所有代码自动换行</translation>
    </message>
    <message>
        <source>Don&apos;t wrap long lines in any code</source>
        <translation>所有代码不自动换行</translation>
    </message>
    <message>
        <source>Copy or save table</source>
        <translation>复制或保存表格</translation>
    </message>
    <message>
        <source>Stop keeping in context</source>
        <translation>取消保留</translation>
    </message>
    <message>
        <source>Remember this…</source>
        <translation>记住这条…</translation>
    </message>
    <message>
        <source>Keep in context</source>
        <translation>始终保留在上下文中</translation>
    </message>
    <message>
        <source>Delete from here on</source>
        <translation>删除此处及之后的内容</translation>
    </message>
    <message>
        <source>Previous version</source>
        <translation>上一个版本</translation>
    </message>
    <message>
        <source>Next version</source>
        <translation>下一个版本</translation>
    </message>
    <message>
        <source>Thinking…</source>
        <translation>正在思考…</translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation>思考过程</translation>
    </message>
    <message>
        <source>Thoughts and tools</source>
        <translation>思考与工具</translation>
    </message>
    <message>
        <source>Thinking… {time}</source>
        <translation>正在思考… {time}</translation>
    </message>
    <message>
        <source>Thought for {time}</source>
        <translation>思考了 {time}</translation>
    </message>
    <message>
        <source>Thoughts and tools, {time}</source>
        <translation>思考与工具，{time}</translation>
    </message>
    <message>
        <source>{seconds} s</source>
        <translation>{seconds} 秒</translation>
    </message>
    <message>
        <source>{minutes} min {seconds} s</source>
        <translation>{minutes} 分 {seconds} 秒</translation>
    </message>
</context>
<context>
    <name>VersionView</name>
    <message>
        <source>Version</source>
        <translation>版本</translation>
    </message>
    <message>
        <source>Continue with this version</source>
        <translation>用这个版本继续</translation>
    </message>
</context>
<context>
    <name>WebSearchSettings</name>
    <message>
        <source>API key</source>
        <translation>API 密钥</translation>
    </message>
    <message>
        <source>Test</source>
        <translation>测试</translation>
    </message>
    <message>
        <source>Open web page</source>
        <translation>打开网页</translation>
    </message>
    <message>
        <source>Set up the service</source>
        <translation>开通服务</translation>
    </message>
    <message>
        <source>Of Brave Search or Tavily, in the system keyring. Sent to that service only.</source>
        <translation>Brave Search 或 Tavily 的密钥，保存在系统密钥环中，只发送给该服务。</translation>
    </message>
    <message>
        <source>Test the search</source>
        <translation>测试搜索</translation>
    </message>
    <message>
        <source>Sends one search to the service and shows what it found.</source>
        <translation>向该服务发送一次搜索，并显示结果。</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Save</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Key saved</source>
        <translation>密钥已保存</translation>
    </message>
    <message>
        <source>Free software that you run on a computer of yours; it asks several search engines. It needs no key.</source>
        <translation>自由软件，运行在你自己的电脑上，汇总多个搜索引擎的结果。不需要密钥。</translation>
    </message>
    <message>
        <source>A search engine with its own index. You create the key there, with an account.</source>
        <translation>拥有自有索引的搜索引擎。密钥需注册账户后在其网站创建。</translation>
    </message>
    <message>
        <source>A search service for language models. You create the key there, with an account.</source>
        <translation>面向语言模型的搜索服务。密钥需注册账户后在其网站创建。</translation>
    </message>
    <message>
        <source>Brave Search and Tavily need an API key that you get from them. SearXNG needs no key, but you have to run it yourself.</source>
        <translation>Brave Search 和 Tavily 需要向其申请 API 密钥；SearXNG 不需要密钥，但要自行运行。</translation>
    </message>
    <message>
        <source>No browser is available. The page is {page}.</source>
        <translation>没有可用的浏览器。网页地址：{page}</translation>
    </message>
    <message>
        <source>Key removed.</source>
        <translation>密钥已移除。</translation>
    </message>
    <message>
        <source>This system has no keyring. The key is kept until you quit.</source>
        <translation>此系统没有密钥环，密钥将保留到退出程序为止。</translation>
    </message>
    <message>
        <source>Key saved in the system keyring.</source>
        <translation>密钥已保存到系统密钥环。</translation>
    </message>
    <message>
        <source>Searching…</source>
        <translation>正在搜索…</translation>
    </message>
    <message>
        <source>The service answers, but found nothing.</source>
        <translation>服务可用，但没有找到结果。</translation>
    </message>
    <message>
        <source>The search works. Found: {hosts}</source>
        <translation>搜索可用，找到：{hosts}</translation>
    </message>
</context>
<context>
    <name>Welcome</name>
    <message>
        <source>Browse models…</source>
        <translation>浏览模型…</translation>
    </message>
    <message>
        <source>Choose a model file…</source>
        <translation>选择模型文件…</translation>
    </message>
    <message>
        <source>Temporary chat</source>
        <translation>临时对话</translation>
    </message>
    <message>
        <source>This chat isn&apos;t saved, listed or searchable. It&apos;s gone when you leave it or close the window; you can save or export it before then.</source>
        <translation>此对话不会保存，不会出现在列表中，也搜索不到。离开对话或关闭窗口后即消失；在此之前可以保存或导出。</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Download settings…</source>
        <translation>下载设置…</translation>
    </message>
    <message>
        <source>Change the models folder…</source>
        <translation>更改模型文件夹…</translation>
    </message>
    <message>
        <source>Try the tiny starter model</source>
        <translation>试用微型入门模型</translation>
    </message>
    <message>
        <source>Your messages are sent to a server: {model}.</source>
        <translation>你的消息会发送到服务器：{model}。</translation>
    </message>
    <message>
        <source>Download a model once, then chat offline. What you write to it stays on this computer.</source>
        <translation>模型只需下载一次，之后无需联网即可对话。你写给它的内容不会离开这台电脑。</translation>
    </message>
    <message>
        <source> A tiny starter model is installed to try the program; its answers are often wrong.</source>
        <translation>已自带一个只懂英语的微型入门模型供试用，它的回答经常出错。</translation>
    </message>
    <message>
        <source>What would you like to talk about?</source>
        <translation>想聊点什么？</translation>
    </message>
    <message>
        <source>Connect again</source>
        <translation>重新连接</translation>
    </message>
    <message>
        <source>{model} runs on this computer. No data leaves it.</source>
        <translation>{model} 在这台电脑上运行，数据不会离开本机。</translation>
    </message>
    <message>
        <source>Use a server…</source>
        <translation>使用服务器…</translation>
    </message>
    <message>
        <source>Run diagnostics…</source>
        <translation>运行诊断…</translation>
    </message>
    <message>
        <source>Chat with a model on your own computer</source>
        <translation>在自己的电脑上与模型对话</translation>
    </message>
</context>
<context>
    <name>WindowController</name>
    <message>
        <source>Answer ready</source>
        <translation>回答已完成</translation>
    </message>
    <message>
        <source>Answer interrupted</source>
        <translation>回答已中断</translation>
    </message>
    <message>
        <source>{name} downloaded and verified.</source>
        <translation>{name} 已下载并通过校验。</translation>
    </message>
    <message>
        <source>{name} downloaded and verified. It is the selected model now.</source>
        <translation>{name} 已下载并通过校验，现已切换到该模型。</translation>
    </message>
    <message>
        <source>Use now</source>
        <translation>立即使用</translation>
    </message>
    <message>
        <source>An answer is being generated or a download is running</source>
        <translation>正在生成回答或下载文件</translation>
    </message>
    <message>
        <source>{model} runs on a server. With the next question it gets the whole conversation.</source>
        <translation>{model}运行在服务器上。发送下一个问题时，它会收到整个对话。</translation>
    </message>
    <message>
        <source>Switch back</source>
        <translation>换回原来的模型</translation>
    </message>
    <message>
        <source>Use {model} instead</source>
        <translation>改用 {model}</translation>
    </message>
    <message>
        <source>{model} is a tiny starter model; its answers are often wrong.</source>
        <translation>{model} 是只懂英语的微型入门模型，回答经常出错。</translation>
    </message>
    <message>
        <source>Get a better model…</source>
        <translation>换个更好的模型…</translation>
    </message>
    <message>
        <source>The zoom will be {percent} % at the next start.</source>
        <translation>下次启动时缩放比例将变为 {percent}%。</translation>
    </message>
</context>
<context>
    <name>_Chip</name>
    <message>
        <source>Remove {name}</source>
        <translation>移除 {name}</translation>
    </message>
</context>
<context>
    <name>_Row</name>
    <message>
        <source>{plan}: prompt {prompt}, answer {answer}</source>
        <translation>{plan}：提示词 {prompt}，回答 {answer}</translation>
    </message>
</context>
<context>
    <name>conversations</name>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>置顶</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>取消置顶</translation>
    </message>
    <message>
        <source>Archive</source>
        <translation>归档</translation>
    </message>
    <message>
        <source>Unarchive</source>
        <translation>取消归档</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>Move to trash</source>
        <translation>移到回收站</translation>
    </message>
    <message>
        <source>Delete permanently…</source>
        <translation>彻底删除…</translation>
    </message>
    <message>
        <source>New conversation here</source>
        <translation>在此新建对话</translation>
    </message>
    <message>
        <source>New folder</source>
        <translation>新建文件夹</translation>
    </message>
    <message>
        <source>Folder settings…</source>
        <translation>文件夹设置…</translation>
    </message>
    <message>
        <source>New subfolder</source>
        <translation>新建子文件夹</translation>
    </message>
    <message>
        <source>Search in this folder</source>
        <translation>在此文件夹中搜索</translation>
    </message>
    <message>
        <source>Move up</source>
        <translation>上移</translation>
    </message>
    <message>
        <source>Move down</source>
        <translation>下移</translation>
    </message>
    <message>
        <source>Export folder…</source>
        <translation>导出文件夹…</translation>
    </message>
    <message>
        <source>Delete folder…</source>
        <translation>删除文件夹…</translation>
    </message>
    <message>
        <source>Move to</source>
        <translation>移动到</translation>
    </message>
    <message>
        <source>No folder</source>
        <translation>不在文件夹中</translation>
    </message>
</context>
<context>
    <name>dialog</name>
    <message>
        <source>Folder:</source>
        <translation>文件夹：</translation>
    </message>
    <message>
        <source>File type:</source>
        <translation>文件类型：</translation>
    </message>
</context>
<context>
    <name>export</name>
    <message>
        <source>en</source>
        <translation>zh-CN</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>System prompt</source>
        <translation>系统提示词</translation>
    </message>
    <message>
        <source>You</source>
        <translation>你</translation>
    </message>
    <message>
        <source>Assistant</source>
        <translation>助手</translation>
    </message>
    <message>
        <source>Summary of the messages above, which the model gets instead of them</source>
        <translation>以上消息的总结，模型以此代替这些消息</translation>
    </message>
    <message>
        <source>in progress</source>
        <translation>正在生成</translation>
    </message>
    <message>
        <source>stopped</source>
        <translation>已停止</translation>
    </message>
    <message>
        <source>interrupted</source>
        <translation>已中断</translation>
    </message>
    <message>
        <source>failed</source>
        <translation>失败</translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation>思考过程</translation>
    </message>
    <message>
        <source>Thoughts ({seconds} s)</source>
        <translation>思考过程（{seconds} 秒）</translation>
    </message>
    <message>
        <source>Attachment</source>
        <translation>附件</translation>
    </message>
    <message>
        <source>Picture</source>
        <translation>图片</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详细信息</translation>
    </message>
    <message>
        <source>Time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Server</source>
        <translation>服务器</translation>
    </message>
    <message>
        <source>Quantisation</source>
        <translation>量化</translation>
    </message>
    <message>
        <source>File SHA-256</source>
        <translation>文件 SHA-256</translation>
    </message>
    <message>
        <source>Memory layout</source>
        <translation>显存布局</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>随机种子</translation>
    </message>
    <message>
        <source>Sampling</source>
        <translation>采样</translation>
    </message>
    <message>
        <source>Prompt tokens</source>
        <translation>提示词 token 数</translation>
    </message>
    <message>
        <source>Messages left out</source>
        <translation>略去的消息</translation>
    </message>
    <message>
        <source>Answer tokens</source>
        <translation>回答 token 数</translation>
    </message>
    <message>
        <source>Stop reason</source>
        <translation>停止原因</translation>
    </message>
    <message>
        <source>Thinking time</source>
        <translation>思考用时</translation>
    </message>
    <message>
        <source>Tokens per second</source>
        <translation>每秒 token 数</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>程序</translation>
    </message>
    <message>
        <source>Page {number}</source>
        <translation>第 {number} 页</translation>
    </message>
    <message>
        <source>PDF</source>
        <translation>PDF</translation>
    </message>
    <message>
        <source>For printing or sharing.</source>
        <translation>便于打印或分享。</translation>
    </message>
    <message>
        <source>HTML page</source>
        <translation>HTML 网页</translation>
    </message>
    <message>
        <source>Opens in any browser, with formulas and colours; loads no external content.</source>
        <translation>可在任何浏览器中打开，保留公式和颜色，不加载任何外部内容。</translation>
    </message>
    <message>
        <source>JSON</source>
        <translation>JSON</translation>
    </message>
    <message>
        <source>Whole conversations with all branches; can be imported again.</source>
        <translation>完整的对话，包含所有分支，可以重新导入。</translation>
    </message>
    <message>
        <source>JSON Lines</source>
        <translation>JSON Lines</translation>
    </message>
    <message>
        <source>One conversation per line, for training or testing models.</source>
        <translation>每行一个对话，用于训练或测试模型。</translation>
    </message>
    <message>
        <source>Markdown</source>
        <translation>Markdown</translation>
    </message>
    <message>
        <source>The versions of messages that are shown, as text for reading or for use in other programs. Pictures are mentioned by name only.</source>
        <translation>导出当前显示的消息版本，为文本格式，适合阅读或在其他程序中使用。图片只写出名称。</translation>
    </message>
    <message>
        <source>Plain text</source>
        <translation>纯文本</translation>
    </message>
    <message>
        <source>Questions and answers without formatting. Pictures are mentioned by name only.</source>
        <translation>不带格式的问题和回答。图片只写出名称。</translation>
    </message>
</context>
<context>
    <name>formats</name>
    <message>
        <source>, </source>
        <translation>、</translation>
    </message>
    <message>
        <source>Original weights</source>
        <translation>原始权重</translation>
    </message>
    <message>
        <source>Virtually lossless</source>
        <translation>几乎无损</translation>
    </message>
    <message>
        <source>Very close to the original</source>
        <translation>非常接近原版</translation>
    </message>
    <message>
        <source>Close to the original</source>
        <translation>接近原版</translation>
    </message>
    <message>
        <source>Small loss of quality</source>
        <translation>质量损失较小</translation>
    </message>
    <message>
        <source>Some loss of quality</source>
        <translation>质量有一定损失</translation>
    </message>
    <message>
        <source>Noticeable loss of quality</source>
        <translation>质量损失明显</translation>
    </message>
    <message>
        <source>Heavy loss of quality</source>
        <translation>质量损失严重</translation>
    </message>
    <message>
        <source>Severe loss of quality</source>
        <translation>质量损失极大</translation>
    </message>
    <message>
        <source>No loss of quality, but larger than chatting requires.</source>
        <translation>质量没有任何损失，但用于聊天没必要这么大。</translation>
    </message>
    <message>
        <source>In practice, answers are the same as from the original weights.</source>
        <translation>实际使用中，回答与原始权重无异。</translation>
    </message>
    <message>
        <source>It answers like the original, apart from very rare slips.</source>
        <translation>回答与原版相同，极少出现偏差。</translation>
    </message>
    <message>
        <source>It answers almost like the original. The usual choice if it fits.</source>
        <translation>回答与原版几乎相同。放得下时的常用选择。</translation>
    </message>
    <message>
        <source>The loss of quality is hardly noticeable in conversation; code and long reasoning suffer slightly.</source>
        <translation>对话中几乎察觉不到质量损失；代码和长推理略受影响。</translation>
    </message>
    <message>
        <source>Good for conversation; more mistakes in facts, code and reasoning than larger versions.</source>
        <translation>适合对话；在事实、代码和推理方面比更大的版本更容易出错。</translation>
    </message>
    <message>
        <source>Fluent, but with more mistakes in facts, code and reasoning. Still useful for very large models.</source>
        <translation>表达流畅，但在事实、代码和推理方面错误更多。对于很大的模型仍然实用。</translation>
    </message>
    <message>
        <source>Often wrong and sometimes incoherent. Use only if nothing larger fits.</source>
        <translation>经常出错，有时语无伦次。仅在放不下更大的版本时使用。</translation>
    </message>
    <message>
        <source>Mainly for experiments; don&apos;t rely on its answers.</source>
        <translation>主要用于实验，请勿依赖它的回答。</translation>
    </message>
    <message>
        <source>{part} of {whole}</source>
        <translation>{part} / {whole}</translation>
    </message>
    <message>
        <source>{percent} %</source>
        <translation>{percent}%</translation>
    </message>
    <message>
        <source>less than a minute left</source>
        <translation>剩余不到 1 分钟</translation>
    </message>
    <message>
        <source>{minutes} min left</source>
        <translation>剩余 {minutes} 分钟</translation>
    </message>
    <message>
        <source>{hours} h {minutes} min left</source>
        <translation>剩余 {hours} 小时 {minutes} 分钟</translation>
    </message>
    <message>
        <source>{days} d {hours} h left</source>
        <translation>剩余 {days} 天 {hours} 小时</translation>
    </message>
</context>
<context>
    <name>import</name>
    <message>
        <source>Picture, not imported</source>
        <translation>图片，未导入</translation>
    </message>
    <message>
        <source>File, not imported</source>
        <translation>文件，未导入</translation>
    </message>
    <message>
        <source>Tool call</source>
        <translation>工具调用</translation>
    </message>
    <message>
        <source>Result of the tool</source>
        <translation>工具的结果</translation>
    </message>
    <message>
        <source>Error</source>
        <translation>错误</translation>
    </message>
</context>
<context>
    <name>model_actions</name>
    <message>
        <source>Download</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>Pause</source>
        <translation>暂停</translation>
    </message>
    <message>
        <source>Resume</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Cancel download</source>
        <translation>取消下载</translation>
    </message>
    <message>
        <source>Move up in queue</source>
        <translation>在队列中上移</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>使用</translation>
    </message>
    <message>
        <source>Convert</source>
        <translation>转换</translation>
    </message>
    <message>
        <source>Convert to a copy</source>
        <translation>转换为副本</translation>
    </message>
    <message>
        <source>Join</source>
        <translation>合并</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
    <message>
        <source>Memory layout</source>
        <translation>显存布局</translation>
    </message>
    <message>
        <source>Verify file</source>
        <translation>校验文件</translation>
    </message>
    <message>
        <source>Re-download parts</source>
        <translation>重新下载损坏部分</translation>
    </message>
    <message>
        <source>Quarantine file</source>
        <translation>隔离文件</translation>
    </message>
    <message>
        <source>Release from quarantine</source>
        <translation>解除隔离</translation>
    </message>
    <message>
        <source>Remove from list</source>
        <translation>从列表中移除</translation>
    </message>
    <message>
        <source>Remove folder from list</source>
        <translation>从列表中移除文件夹</translation>
    </message>
    <message>
        <source>Delete file…</source>
        <translation>删除文件…</translation>
    </message>
    <message>
        <source>Copy path</source>
        <translation>复制路径</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Open page in browser</source>
        <translation>在浏览器中打开页面</translation>
    </message>
    <message>
        <source>Cancel download and delete {size}…</source>
        <translation>取消下载并删除 {size}…</translation>
    </message>
    <message>
        <source>Delete file ({size})…</source>
        <translation>删除文件（{size}）…</translation>
    </message>
</context>
<context>
    <name>model_hub_rows</name>
    <message>
        <source>{count} downloads</source>
        <translation>{count} 次下载</translation>
    </message>
    <message>
        <source>Updated {date}</source>
        <translation>更新于 {date}</translation>
    </message>
    <message>
        <source>Gated</source>
        <translation>需申请访问</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Can&apos;t be downloaded</source>
        <translation>无法下载</translation>
    </message>
    <message>
        <source>{count} files</source>
        <translation>{count} 个文件</translation>
    </message>
</context>
<context>
    <name>model_picker</name>
    <message>
        <source>No model matches. Look for it on the models page (Ctrl+M).</source>
        <translation>没有匹配的模型。可在模型页面中查找（Ctrl+M）。</translation>
    </message>
    <message>
        <source>No models listed. Refresh them in the settings.</source>
        <translation>未列出模型，请在设置中刷新模型列表。</translation>
    </message>
    <message>
        <source>Add a server…</source>
        <translation>添加服务器…</translation>
    </message>
    <message>
        <source>Not downloaded</source>
        <translation>未下载</translation>
    </message>
    <message>
        <source>Recommended</source>
        <translation>推荐</translation>
    </message>
    <message>
        <source>{count} context</source>
        <translation>上下文 {count}</translation>
    </message>
    <message>
        <source>This computer</source>
        <translation>这台电脑</translation>
    </message>
    <message>
        <source>Loaded</source>
        <translation>已加载</translation>
    </message>
</context>
<context>
    <name>model_queue</name>
    <message>
        <source>paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>1 download</source>
        <translation>1 个下载任务</translation>
    </message>
    <message>
        <source>{count} downloads</source>
        <translation>{count} 个下载任务</translation>
    </message>
    <message>
        <source>{downloads}, {more}</source>
        <translation>{downloads}，{more}</translation>
    </message>
    <message>
        <source>Downloading: {percent} %</source>
        <translation>正在下载：{percent}%</translation>
    </message>
</context>
<context>
    <name>model_rows</name>
    <message>
        <source>In use</source>
        <translation>使用中</translation>
    </message>
    <message>
        <source>Recommended</source>
        <translation>推荐</translation>
    </message>
    <message>
        <source>Embedding model, for long documents and other programs</source>
        <translation>嵌入模型，用于长文档和其他程序</translation>
    </message>
    <message>
        <source>Very small and fast, good for a first try</source>
        <translation>体积小、速度快，只懂英语，适合初次尝试</translation>
    </message>
    <message>
        <source>Ready</source>
        <translation>就绪</translation>
    </message>
    <message>
        <source>Not downloaded</source>
        <translation>未下载</translation>
    </message>
    <message>
        <source>Queued</source>
        <translation>排队中</translation>
    </message>
    <message>
        <source>Preparing…</source>
        <translation>正在准备…</translation>
    </message>
    <message>
        <source>Downloading…</source>
        <translation>正在下载…</translation>
    </message>
    <message>
        <source>Verifying…</source>
        <translation>正在校验…</translation>
    </message>
    <message>
        <source>Paused</source>
        <translation>已暂停</translation>
    </message>
    <message>
        <source>Stopped</source>
        <translation>已停止</translation>
    </message>
    <message>
        <source>Needs conversion</source>
        <translation>需要转换</translation>
    </message>
    <message>
        <source>Needs joining</source>
        <translation>待合并</translation>
    </message>
    <message>
        <source>Damaged</source>
        <translation>已损坏</translation>
    </message>
    <message>
        <source>Quarantined</source>
        <translation>已隔离</translation>
    </message>
    <message>
        <source>Can&apos;t be used</source>
        <translation>无法使用</translation>
    </message>
    <message>
        <source>{size} uploaded</source>
        <translation>已上传 {size}</translation>
    </message>
    <message>
        <source>{count} parts of one file. Joining them doesn&apos;t need space for a second copy.</source>
        <translation>同一文件的 {count} 个分卷。合并时不会另占一份空间。</translation>
    </message>
    <message>
        <source>This file doesn&apos;t match the published one. You can re-download only the damaged parts.</source>
        <translation>该文件与发布的文件不符。可以只重新下载损坏的部分。</translation>
    </message>
    <message>
        <source>This file doesn&apos;t match the published one and was quarantined. You can re-download only the damaged parts.</source>
        <translation>该文件与发布的文件不符，已被隔离。可以只重新下载损坏的部分。</translation>
    </message>
    <message>
        <source>Made before April 2024, in a layout that no current engine loads. Converting creates a rearranged copy in the models folder, with the same values.</source>
        <translation>制作于 2024 年 4 月之前，现有的引擎都无法加载其布局。转换会在模型文件夹中生成一份重新排列的副本，数值不变。</translation>
    </message>
    <message>
        <source>Made before April 2024, in a layout that no current engine loads. Converting rearranges the file without changing any values.</source>
        <translation>制作于 2024 年 4 月之前，现有的引擎都无法加载其布局。转换只重新排列文件，不改变任何数值。</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Retrying in {seconds} s</source>
        <translation>{seconds} 秒后重试</translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation>正在停止…</translation>
    </message>
    <message>
        <source>Converting</source>
        <translation>正在转换</translation>
    </message>
    <message>
        <source>{size} of disk space missing</source>
        <translation>磁盘空间还差 {size}</translation>
    </message>
    <message>
        <source>Quick, for simple questions</source>
        <translation>快速，适合简单问题</translation>
    </message>
    <message>
        <source>All-rounder</source>
        <translation>全能</translation>
    </message>
    <message>
        <source>Conversation and languages</source>
        <translation>对话与多语言</translation>
    </message>
    <message>
        <source>Reasoning, mathematics and code</source>
        <translation>推理、数学与代码</translation>
    </message>
    <message>
        <source>mostly English</source>
        <translation>以英文为主</translation>
    </message>
    <message>
        <source>English and Chinese</source>
        <translation>中英文</translation>
    </message>
    <message>
        <source>{count} languages</source>
        <translation>{count} 种语言</translation>
    </message>
    <message>
        <source>Probably best for this computer: {name}, about {size}</source>
        <translation>可能最适合这台电脑：{name}，约 {size}</translation>
    </message>
    <message>
        <source>Needs {size} on the disk; {free} are free.</source>
        <translation>需要 {size} 磁盘空间，可用 {free}。</translation>
    </message>
    <message>
        <source>Needs {size} on the disk, but only {free} are free: {missing} are missing.</source>
        <translation>需要 {size} 磁盘空间，但只有 {free} 可用，还差 {missing}。</translation>
    </message>
    <message>
        <source>Joining</source>
        <translation>正在合并</translation>
    </message>
    <message>
        <source>Verifying</source>
        <translation>正在校验</translation>
    </message>
    <message>
        <source>Checking for damage</source>
        <translation>正在检查损坏的部分</translation>
    </message>
    <message>
        <source>Deleting…</source>
        <translation>正在删除…</translation>
    </message>
    <message>
        <source>Reads pictures</source>
        <translation>支持图片</translation>
    </message>
</context>
<context>
    <name>parameters</name>
    <message>
        <source>Every day</source>
        <translation>每天</translation>
    </message>
    <message>
        <source>Every week</source>
        <translation>每周</translation>
    </message>
    <message>
        <source>System</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Light</source>
        <translation>浅色</translation>
    </message>
    <message>
        <source>Dark</source>
        <translation>深色</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>Of the whole window, in percent. You can also press Ctrl&#xa0;+ or Ctrl&#xa0;−.</source>
        <translation>整个窗口的缩放比例（百分比）。也可以按 Ctrl&#xa0;+ 或 Ctrl&#xa0;−。</translation>
    </message>
    <message>
        <source>Reduce motion</source>
        <translation>减少动态效果</translation>
    </message>
    <message>
        <source>Wrap long lines of code</source>
        <translation>代码自动换行</translation>
    </message>
    <message>
        <source>Preset</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>Overrides the settings below.</source>
        <translation>新对话将使用此预设，而不是下面的设置。</translation>
    </message>
    <message>
        <source>For example: Answer briefly.</source>
        <translation>例如：请简短回答。</translation>
    </message>
    <message>
        <source>System prompt</source>
        <translation>系统提示词</translation>
    </message>
    <message>
        <source>Instructions for the model at the start of every new conversation.</source>
        <translation>每个新对话开始时给模型的指示。</translation>
    </message>
    <message>
        <source>No limit</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>Maximum tokens</source>
        <translation>最大 token 数</translation>
    </message>
    <message>
        <source>Stop and ask me</source>
        <translation>停下来询问我</translation>
    </message>
    <message>
        <source>Leave out the oldest turns</source>
        <translation>略去最早的对话轮次</translation>
    </message>
    <message>
        <source>Summarise the oldest turns</source>
        <translation>总结最早的对话轮次</translation>
    </message>
    <message>
        <source>When the context is full</source>
        <translation>上下文已满时</translation>
    </message>
    <message>
        <source>If turns are left out or summarised, a line in the conversation marks the messages above it that the model no longer sees. Those that you keep in context always stay.</source>
        <translation>选择略去或总结时，对话中会出现一条分隔线，线以上的消息模型不再看到。你设为保留在上下文中的消息始终保留。</translation>
    </message>
    <message>
        <source>Guess text that repeats</source>
        <translation>预测重复的文本</translation>
    </message>
    <message>
        <source>Writes text that repeats earlier text faster, where the answer stays exactly the same.</source>
        <translation>在回答完全不变的前提下，更快地生成与前文重复的内容。</translation>
    </message>
    <message>
        <source>Unload model when idle for</source>
        <translation>空闲多久后卸载模型</translation>
    </message>
    <message>
        <source>Where models search the web. Without one they don&apos;t, and nothing is sent.</source>
        <translation>模型通过它搜索网络。不选择则不搜索，也不发送任何内容。</translation>
    </message>
    <message>
        <source>Address of SearXNG</source>
        <translation>SearXNG 地址</translation>
    </message>
    <message>
        <source>The settings of SearXNG must allow JSON as an output format.</source>
        <translation>需要先在 SearXNG 的设置中允许 JSON 输出格式。</translation>
    </message>
    <message>
        <source>Pages on this computer and in its network</source>
        <translation>本机和本地网络的网页</translation>
    </message>
    <message>
        <source>Use the memory</source>
        <translation>使用记忆</translation>
    </message>
    <message>
        <source>Models can note facts</source>
        <translation>模型可以记录</translation>
    </message>
    <message>
        <source>When you say “Remember that I&apos;m vegetarian”, models that know tools can note it after you have allowed it.</source>
        <translation>当你说“记住我吃素”时，支持工具的模型可以在你允许后记录下来。</translation>
    </message>
    <message>
        <source>Note facts unasked</source>
        <translation>主动记录</translation>
    </message>
    <message>
        <source>Models also note lasting facts that you mention, without asking first. The answer shows what was noted.</source>
        <translation>模型还会主动记下你提到的长期有效的事实，不再事先询问。回答中会显示记录了什么。</translation>
    </message>
    <message>
        <source>Lend at most</source>
        <translation>最多出借</translation>
    </message>
    <message>
        <source>Editors and scripts can use the selected model through OpenAI&apos;s or Anthropic&apos;s API. Your own questions go first.</source>
        <translation>编辑器和脚本可以通过 OpenAI 或 Anthropic 接口使用当前选择的模型；你自己的提问优先。</translation>
    </message>
    <message>
        <source>Computers in your network can use the selected model with the API key.</source>
        <translation>网络中的电脑凭 API 密钥即可使用当前选择的模型。</translation>
    </message>
    <message>
        <source>Encrypt the connection</source>
        <translation>加密连接</translation>
    </message>
    <message>
        <source>Other computers then need APUS Chat. Turn it off for other programs on them: anyone in the network can then read questions, answers and the key.</source>
        <translation>打开后，其他电脑须使用 APUS Chat。如果那里要用其他程序，请关闭；此后同一网络中的任何人都可能读到问题、回答和密钥。</translation>
    </message>
    <message>
        <source>Ask before closing during a download</source>
        <translation>下载时关闭窗口前先询问</translation>
    </message>
    <message>
        <source>Otherwise downloads pause and continue at the next start.</source>
        <translation>不询问时，下载会暂停，下次启动后继续。</translation>
    </message>
    <message>
        <source>Conversation cache</source>
        <translation>对话缓存</translation>
    </message>
    <message>
        <source>Model-generated titles</source>
        <translation>由模型生成标题</translation>
    </message>
    <message>
        <source>Zoom</source>
        <translation>缩放</translation>
    </message>
    <message>
        <source>Keeps the caret of an answer that is being written still.</source>
        <translation>开启后，正在生成的回答末尾的光标保持静止。</translation>
    </message>
    <message>
        <source>Limits the length of an answer. An English word is slightly more than one token.</source>
        <translation>限制每个回答的长度。一个汉字约为一个 token。</translation>
    </message>
    <message>
        <source>When idle, the model suggests a title if the first question doesn&apos;t provide one.</source>
        <translation>第一个问题不适合作为标题时，模型会在空闲时拟一个标题。</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>How many tokens the model sees at once. More tokens use more memory.</source>
        <translation>模型一次能看到的 token 数。数值越大，占用的内存越多。</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Layers on GPUs</source>
        <translation>GPU 上的层数</translation>
    </message>
    <message>
        <source>Automatic puts as many as fit on the GPUs. The CPU computes the rest.</source>
        <translation>“自动”会把尽可能多的层放到 GPU 上，其余由 CPU 计算。</translation>
    </message>
    <message>
        <source>Frees memory after this much time without a question.</source>
        <translation>超过这段时间没有提问时释放内存。</translation>
    </message>
    <message>
        <source>Web search service</source>
        <translation>联网搜索服务</translation>
    </message>
    <message>
        <source>Servers you trust with your token, such as your own mirror. Usually empty.</source>
        <translation>你信任并允许接收访问令牌的网站，例如你自己的镜像。通常留空即可。</translation>
    </message>
    <message>
        <source>10 GiB (default)</source>
        <translation>10 GiB（默认）</translation>
    </message>
    <message>
        <source>In GiB, on this disk. Keeps what a model has read of a conversation, so that it answers sooner when you come back to it.</source>
        <translation>以 GiB 计，保存在磁盘上。记下模型读过的对话内容，再次打开对话时回答更快开始。</translation>
    </message>
    <message>
        <source>Other PCs can&apos;t use more memory of this one than this, in GiB.</source>
        <translation>其他电脑最多可以使用这台电脑的多少内存（GiB）。</translation>
    </message>
    <message>
        <source>Answer other programs</source>
        <translation>供其他程序使用</translation>
    </message>
    <message>
        <source>Port</source>
        <translation>端口</translation>
    </message>
    <message>
        <source>Lets models read those too, such as the pages of your router. Leave it off unless you need it.</source>
        <translation>开启后，模型也能读取这些网页，例如路由器的管理页面。没有需要请保持关闭。</translation>
    </message>
    <message>
        <source>Models are given the facts below in every conversation except temporary chats; a model of a server receives them with your question.</source>
        <translation>除临时对话外，模型在每次对话中都会看到下面记住的内容；使用服务器上的模型时，这些内容会随问题一起发送到服务器。</translation>
    </message>
    <message>
        <source>Allow other computers</source>
        <translation>允许其他电脑访问</translation>
    </message>
    <message>
        <source>Web sites that may use it</source>
        <translation>允许使用的网站</translation>
    </message>
    <message>
        <source>Download from</source>
        <translation>下载来源</translation>
    </message>
    <message>
        <source>System proxy</source>
        <translation>系统代理</translation>
    </message>
    <message>
        <source>None</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Web pages in your browser can&apos;t use the local server, except those of the addresses entered here.</source>
        <translation>浏览器中的网页不能使用本地服务，只有在此填写的网址除外。</translation>
    </message>
    <message>
        <source>Hugging Face, a mirror of it, or another server with the same interface.</source>
        <translation>Hugging Face、它的镜像，或接口相同的其他网站。</translation>
    </message>
    <message>
        <source>Proxy</source>
        <translation>代理</translation>
    </message>
    <message>
        <source>HTTP or SOCKS, for example socks5://127.0.0.1:1080</source>
        <translation>HTTP 或 SOCKS，例如 socks5://127.0.0.1:1080</translation>
    </message>
    <message>
        <source>Other hosts that receive the token</source>
        <translation>其他可接收访问令牌的网站</translation>
    </message>
    <message>
        <source>Speed limit</source>
        <translation>速度限制</translation>
    </message>
    <message>
        <source>In MB/s, for all downloads combined.</source>
        <translation>所有下载合计，单位 MB/s。</translation>
    </message>
    <message>
        <source>Keep downloading when the window is closed</source>
        <translation>关闭窗口后继续下载</translation>
    </message>
    <message>
        <source>The program stays in the system tray until all downloads finish.</source>
        <translation>程序会留在系统托盘中，直到所有下载完成。</translation>
    </message>
    <message>
        <source>Automatic backups</source>
        <translation>自动备份</translation>
    </message>
    <message>
        <source>Keeps the last seven daily or the last four weekly backups.</source>
        <translation>保留最近七个每日备份或最近四个每周备份。</translation>
    </message>
    <message>
        <source>Against repetition</source>
        <translation>减少重复</translation>
    </message>
    <message>
        <source>More variety</source>
        <translation>更多变化</translation>
    </message>
    <message>
        <source>Controlled probability</source>
        <translation>概率控制</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Top-k</source>
        <translation>Top-k</translation>
    </message>
    <message>
        <source>Min-p</source>
        <translation>Min-p</translation>
    </message>
    <message>
        <source>Top-nσ</source>
        <translation>Top-nσ</translation>
    </message>
    <message>
        <source>Higher values give more varied answers, lower values more predictable ones; 0 always takes the most likely word.</source>
        <translation>值越高，回答越多样；值越低，回答越稳定。0 表示每次都选最可能的词。</translation>
    </message>
    <message>
        <source>Chooses each word only among the most likely ones that together reach this probability; 1 allows all.</source>
        <translation>只在最可能的一批词中选，这批词的概率加起来达到此值；1 表示不限制。</translation>
    </message>
    <message>
        <source>Chooses each word only among this many of the most likely ones; 0 allows all.</source>
        <translation>只在最可能的这么多个词中选；0 表示不限制。</translation>
    </message>
    <message>
        <source>Rules out words that are much less likely than the best one: below this fraction of its probability; 0 allows all.</source>
        <translation>排除可能性远低于首选词的词，即概率不到首选词的这一比例；0 表示不限制。</translation>
    </message>
    <message>
        <source>Rules out words that the model rates lower than the best one by more than this many standard deviations; 0 allows all.</source>
        <translation>排除模型评分比首选词低太多的词，相差超过此值（以标准差计）即排除；0 表示不限制。</translation>
    </message>
    <message>
        <source>Typical-p</source>
        <translation>Typical-p</translation>
    </message>
    <message>
        <source>Keeps the tokens that are about as surprising as expected, up to this probability; 1 keeps all.</source>
        <translation>保留意外程度接近预期的 token，直到累计达到此概率；1 表示全部保留。</translation>
    </message>
    <message>
        <source>Repeat penalty</source>
        <translation>重复惩罚</translation>
    </message>
    <message>
        <source>Values above 1 make repetition less likely; 1 has no effect.</source>
        <translation>大于 1 可减少重复；1 表示不起作用。</translation>
    </message>
    <message>
        <source>Frequency penalty</source>
        <translation>频率惩罚</translation>
    </message>
    <message>
        <source>Makes a token less likely the more often it was used; 0 has no effect.</source>
        <translation>token 出现得越多，再次出现的概率越低；0 表示不生效。</translation>
    </message>
    <message>
        <source>Presence penalty</source>
        <translation>存在惩罚</translation>
    </message>
    <message>
        <source>Makes tokens that were used before less likely; 0 has no effect.</source>
        <translation>降低已出现过的 token 的概率；0 表示不生效。</translation>
    </message>
    <message>
        <source>DRY multiplier</source>
        <translation>DRY 系数</translation>
    </message>
    <message>
        <source>Penalty for tokens that continue a repeated sequence; 0 turns DRY off, 0.8 is usual.</source>
        <translation>对延续重复片段的 token 的惩罚；0 表示关闭 DRY，常用值为 0.8。</translation>
    </message>
    <message>
        <source>DRY base</source>
        <translation>DRY 底数</translation>
    </message>
    <message>
        <source>The penalty grows by this factor with each token of the repetition.</source>
        <translation>重复每多一个 token，惩罚就乘以此倍数。</translation>
    </message>
    <message>
        <source>DRY allowed length</source>
        <translation>DRY 允许长度</translation>
    </message>
    <message>
        <source>Repetitions up to this many tokens are not penalised.</source>
        <translation>不超过此 token 数的重复不受惩罚。</translation>
    </message>
    <message>
        <source>Whole context</source>
        <translation>整个上下文</translation>
    </message>
    <message>
        <source>DRY range</source>
        <translation>DRY 范围</translation>
    </message>
    <message>
        <source>Tokens of the conversation in which repetitions are looked for.</source>
        <translation>在对话最近多少个 token 中查找重复。</translation>
    </message>
    <message>
        <source>XTC probability</source>
        <translation>XTC 概率</translation>
    </message>
    <message>
        <source>How often the most probable tokens are left out, for more unusual answers; 0 turns XTC off.</source>
        <translation>以多大概率排除最可能的 token，使回答更出人意料；0 表示关闭 XTC。</translation>
    </message>
    <message>
        <source>XTC threshold</source>
        <translation>XTC 阈值</translation>
    </message>
    <message>
        <source>Of the tokens above this probability only the least probable is kept.</source>
        <translation>高于此概率的 token 中，只保留概率最低的一个。</translation>
    </message>
    <message>
        <source>Temperature range</source>
        <translation>温度浮动范围</translation>
    </message>
    <message>
        <source>Lets the temperature go up and down by this much, with the model&apos;s uncertainty; 0 keeps it fixed.</source>
        <translation>温度随模型的不确定程度在此幅度内升降；0 表示固定不变。</translation>
    </message>
    <message>
        <source>Temperature exponent</source>
        <translation>温度指数</translation>
    </message>
    <message>
        <source>Above 1 only great uncertainty raises the temperature; below 1 already little.</source>
        <translation>大于 1 时，只有不确定程度很高才会升温；小于 1 时，稍有不确定就会升温。</translation>
    </message>
    <message>
        <source>Mirostat</source>
        <translation>Mirostat</translation>
    </message>
    <message>
        <source>Keeps the surprise of the answer constant; replaces the samplers from top-k to XTC.</source>
        <translation>使回答的意外程度保持稳定；代替从 top-k 到 XTC 的采样器。</translation>
    </message>
    <message>
        <source>Mirostat tau</source>
        <translation>Mirostat τ</translation>
    </message>
    <message>
        <source>Surprise to aim at: lower values give more predictable answers.</source>
        <translation>目标意外程度：值越低，回答越可预测。</translation>
    </message>
    <message>
        <source>Mirostat eta</source>
        <translation>Mirostat η</translation>
    </message>
    <message>
        <source>How fast mirostat corrects itself.</source>
        <translation>Mirostat 自我修正的速度。</translation>
    </message>
    <message>
        <source>Adaptive-p target</source>
        <translation>Adaptive-p 目标</translation>
    </message>
    <message>
        <source>Prefers tokens near this probability, averaged over the answer; 0 turns it off.</source>
        <translation>偏好平均概率接近此值的 token；0 表示关闭。</translation>
    </message>
    <message>
        <source>Adaptive-p decay</source>
        <translation>Adaptive-p 衰减</translation>
    </message>
    <message>
        <source>How long adaptive-p remembers: 0.9 is about ten tokens.</source>
        <translation>Adaptive-p 的记忆长度：0.9 约为十个 token。</translation>
    </message>
    <message>
        <source>Random each time</source>
        <translation>每次随机</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>随机种子</translation>
    </message>
    <message>
        <source>With a local model, the same seed and settings give the same answer again.</source>
        <translation>使用本地模型时，随机种子和设置都相同，会得到同样的回答。</translation>
    </message>
    <message>
        <source>Stop sequences</source>
        <translation>停止序列</translation>
    </message>
    <message>
        <source>The answer ends before the first of them. One per line; write \n for a line break.</source>
        <translation>回答会在遇到其中任意一个之前结束。每行一个；换行写作 \n。</translation>
    </message>
    <message>
        <source>DRY sequence breakers</source>
        <translation>DRY 分隔符</translation>
    </message>
    <message>
        <source>Texts at which a repetition ends. One per line; write \n for a line break.</source>
        <translation>遇到这些文本时重复中断。每行一个；换行写作 \n。</translation>
    </message>
    <message>
        <source>Default</source>
        <translation>默认</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>On</source>
        <translation>开</translation>
    </message>
    <message>
        <source>Low</source>
        <translation>低</translation>
    </message>
    <message>
        <source>Medium</source>
        <translation>中</translation>
    </message>
    <message>
        <source>High</source>
        <translation>高</translation>
    </message>
    <message>
        <source>Maximum</source>
        <translation>最高</translation>
    </message>
</context>
<context>
    <name>plan</name>
    <message>
        <source>{quantisation} fits on your GPU with {context} context, about {speed} tokens/s.</source>
        <translation>{quantisation} 可放入你的 GPU，上下文 {context}，约 {speed} token/秒。</translation>
    </message>
    <message>
        <source>{quantisation} fits on your two GPUs with {context} context, about {speed} tokens/s.</source>
        <translation>{quantisation} 可放入你的两块 GPU，上下文 {context}，约 {speed} token/秒。</translation>
    </message>
    <message>
        <source>{quantisation} fits on your {count} GPUs with {context} context, about {speed} tokens/s.</source>
        <translation>{quantisation} 可放入你的 {count} 块 GPU，上下文 {context}，约 {speed} token/秒。</translation>
    </message>
    <message>
        <source>{quantisation} runs on the CPU with {context} context, about {speed} tokens/s.</source>
        <translation>{quantisation} 可以用 CPU 运行，上下文 {context}，约 {speed} token/秒。</translation>
    </message>
    <message>
        <source>{quantisation} runs partly in RAM with {context} context, about {speed} tokens/s.</source>
        <translation>{quantisation} 可以运行，部分放在内存中，上下文 {context}，约 {speed} token/秒。</translation>
    </message>
    <message>
        <source>Only {quantisation} runs on this computer, but slowly: about {speed} tokens/s. A smaller model or a server answers faster.</source>
        <translation>这台电脑只能运行 {quantisation}，而且较慢：约 {speed} token/秒。更小的模型或服务器回答更快。</translation>
    </message>
    <message>
        <source>GPU, {gib} GiB</source>
        <translation>GPU，{gib} GiB</translation>
    </message>
    <message>
        <source>fits on the GPU</source>
        <translation>可放入 GPU</translation>
    </message>
    <message>
        <source>fits on {count} GPUs</source>
        <translation>可放入 {count} 块 GPU</translation>
    </message>
    <message>
        <source>partly in RAM</source>
        <translation>部分在内存中</translation>
    </message>
    <message>
        <source>CPU</source>
        <translation>CPU</translation>
    </message>
    <message>
        <source>RAM</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>GPU {number}</source>
        <translation>GPU {number}</translation>
    </message>
    <message>
        <source>not used</source>
        <translation>未使用</translation>
    </message>
    <message>
        <source>output</source>
        <translation>输出层</translation>
    </message>
    <message>
        <source>empty</source>
        <translation>空闲</translation>
    </message>
    <message>
        <source>{layers} + output</source>
        <translation>{layers} + 输出层</translation>
    </message>
    <message>
        <source>the whole model</source>
        <translation>整个模型</translation>
    </message>
    <message>
        <source>experts of 1 layer</source>
        <translation>1 层的专家</translation>
    </message>
    <message>
        <source>experts of {count} layers</source>
        <translation>{count} 层的专家</translation>
    </message>
    <message>
        <source>token embedding</source>
        <translation>token 嵌入</translation>
    </message>
    <message>
        <source>layer {number}</source>
        <translation>第 {number} 层</translation>
    </message>
    <message>
        <source>layers {first}–{last}</source>
        <translation>第 {first}–{last} 层</translation>
    </message>
    <message>
        <source>{used} of {total} GiB</source>
        <translation>{used} / {total} GiB</translation>
    </message>
    <message>
        <source>{size} over {limit}</source>
        <translation>超出上限 {limit} 达 {size}</translation>
    </message>
    <message>
        <source>{size} left</source>
        <translation>剩余 {size}</translation>
    </message>
    <message>
        <source>estimated {estimate} · actual {real}</source>
        <translation>预计 {estimate} · 实际 {real}</translation>
    </message>
    <message>
        <source>currently loaded: {real}</source>
        <translation>当前已加载：{real}</translation>
    </message>
    <message>
        <source>Picture reader</source>
        <translation>图片识别组件</translation>
    </message>
    <message>
        <source>GPU sharing this RAM</source>
        <translation>共享此内存的 GPU</translation>
    </message>
    <message>
        <source>Other programs</source>
        <translation>其他程序</translation>
    </message>
    <message>
        <source>Limit</source>
        <translation>上限</translation>
    </message>
    <message>
        <source>{name}: estimated {estimate}, actual {real}</source>
        <translation>{name}：预计 {estimate}，实际 {real}</translation>
    </message>
    <message>
        <source>{name}: {estimate}, currently loaded {real}</source>
        <translation>{name}：{estimate}，当前已加载 {real}</translation>
    </message>
    <message>
        <source>{size} RAM</source>
        <translation>{size} 内存</translation>
    </message>
    <message>
        <source>This computer: {hardware}</source>
        <translation>这台电脑：{hardware}</translation>
    </message>
    <message>
        <source>Doesn&apos;t fit</source>
        <translation>放不下</translation>
    </message>
    <message>
        <source>Repacked weights</source>
        <translation>重排的权重副本</translation>
    </message>
    <message>
        <source>Model weights</source>
        <translation>模型权重</translation>
    </message>
    <message>
        <source>Conversation (KV cache)</source>
        <translation>对话（KV 缓存）</translation>
    </message>
    <message>
        <source>Working memory</source>
        <translation>运算内存</translation>
    </message>
    <message>
        <source>Over the limit</source>
        <translation>超出上限</translation>
    </message>
    <message>
        <source>Kept free</source>
        <translation>预留</translation>
    </message>
    <message>
        <source>Remaining</source>
        <translation>剩余</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个 token</translation>
    </message>
</context>
<context>
    <name>presets</name>
    <message>
        <source>Mathematics</source>
        <translation>数学</translation>
    </message>
    <message>
        <source>You are a careful mathematician. Work step by step and justify every step. Write formulas in LaTeX: inline formulas between $ signs, display formulas between $$ signs on separate lines. If there is another method, use it to check the result, and give the final answer at the end in \boxed{}. If the problem is unclear or has no solution, say so.</source>
        <translation>你是一位严谨的数学家。请逐步推导，并说明每一步的依据。公式用 LaTeX 书写：行内公式放在 $ 之间，独立成行的公式放在 $$ 之间。如有其他方法，请用它检验结果，最后把答案写在 \boxed{} 中。题意不清或无解时请直接说明。</translation>
    </message>
    <message>
        <source>Chinese–English translation</source>
        <translation>中英翻译</translation>
    </message>
    <message>
        <source>You are a professional translator between Chinese and English. Translate Chinese into English and English into Simplified Chinese. Preserve the meaning, tone, names, numbers, formulas, code and Markdown, and write what a native speaker would write. Give only the translation. Add a note only if the original is ambiguous.</source>
        <translation>你是一位专业的中英翻译。中文译成英文，英文译成简体中文。保留原文的含义、语气、人名、数字、公式、代码和 Markdown 格式，译文要像母语者写的一样自然。只给出译文；仅当原文有歧义时才加注说明。</translation>
    </message>
    <message>
        <source>Code</source>
        <translation>编程</translation>
    </message>
    <message>
        <source>You are an experienced programmer. Give complete, runnable code in fenced code blocks that name the language. Prefer the standard library and simple constructs, handle errors, and don&apos;t invent functions. Briefly explain what isn&apos;t obvious, and ask if a requirement is missing.</source>
        <translation>你是一位经验丰富的程序员。请给出可以直接运行的完整代码，放在注明语言的代码块中。优先使用标准库和简单的写法，处理好错误，不要编造不存在的函数。对不易看懂的地方作简短说明；缺少需求信息时请先提问。</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>写作</translation>
    </message>
    <message>
        <source>You are a skilled author and editor. Write in the language of the request, in clear, lively and natural prose that suits the given reader and occasion. Avoid clichés, empty phrases and needless lists. When you edit, keep the author&apos;s voice and say in one line what you changed.</source>
        <translation>你是一位优秀的作者和编辑。请用提问所用的语言，针对指定的读者和场合，写出清晰、生动、自然的文字。避免陈词滥调、空话和不必要的列表。修改他人文字时保留作者的风格，并用一句话说明改了什么。</translation>
    </message>
</context>
<context>
    <name>settings</name>
    <message>
        <source>Appearance</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>New conversations</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>Devices</source>
        <translation>设备</translation>
    </message>
    <message>
        <source>Servers</source>
        <translation>服务器</translation>
    </message>
    <message>
        <source>Tools</source>
        <translation>工具</translation>
    </message>
    <message>
        <source>Memory</source>
        <translation>记忆</translation>
    </message>
    <message>
        <source>Lending</source>
        <translation>出借算力</translation>
    </message>
    <message>
        <source>Local server</source>
        <translation>本地服务</translation>
    </message>
    <message>
        <source>Downloads</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>About</source>
        <translation>关于</translation>
    </message>
    <message>
        <source>None</source>
        <translation>无</translation>
    </message>
    <message>
        <source>Never</source>
        <translation>从不</translation>
    </message>
    <message>
        <source>1 hour</source>
        <translation>1 小时</translation>
    </message>
    <message>
        <source>{hours} hours</source>
        <translation>{hours} 小时</translation>
    </message>
    <message>
        <source>{minutes} minutes</source>
        <translation>{minutes} 分钟</translation>
    </message>
</context>
<context>
    <name>shortcuts</name>
    <message>
        <source>Conversations</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>写作</translation>
    </message>
    <message>
        <source>Answers</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Reading</source>
        <translation>阅读</translation>
    </message>
    <message>
        <source>Window</source>
        <translation>窗口</translation>
    </message>
    <message>
        <source>text or font size, larger or smaller</source>
        <translation>字体大小 字号 放大 缩小</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新建对话</translation>
    </message>
    <message>
        <source>Temporary chat (not saved)</source>
        <translation>临时对话（不保存）</translation>
    </message>
    <message>
        <source>Conversation settings</source>
        <translation>对话设置</translation>
    </message>
    <message>
        <source>Search all conversations</source>
        <translation>搜索所有对话</translation>
    </message>
    <message>
        <source>Undo the last deletion or move</source>
        <translation>撤销最近的删除或移动</translation>
    </message>
    <message>
        <source>Next conversation</source>
        <translation>下一个对话</translation>
    </message>
    <message>
        <source>Previous conversation</source>
        <translation>上一个对话</translation>
    </message>
    <message>
        <source>Go to the list of conversations</source>
        <translation>转到对话列表</translation>
    </message>
    <message>
        <source>Rename the selected conversation (in the list)</source>
        <translation>重命名选中的对话（在列表中）</translation>
    </message>
    <message>
        <source>Move the selected conversation to trash (in the list)</source>
        <translation>将选中的对话移到回收站（在列表中）</translation>
    </message>
    <message>
        <source>Export conversations</source>
        <translation>导出对话</translation>
    </message>
    <message>
        <source>Import conversations</source>
        <translation>导入对话</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
    <message>
        <source>New line</source>
        <translation>换行</translation>
    </message>
    <message>
        <source>Go to the message field</source>
        <translation>转到输入框</translation>
    </message>
    <message>
        <source>Attach files</source>
        <translation>添加附件</translation>
    </message>
    <message>
        <source>Web search on or off</source>
        <translation>开启或关闭联网搜索</translation>
    </message>
    <message>
        <source>Edit the last question (when the field is empty)</source>
        <translation>编辑最后一个问题（输入框为空时）</translation>
    </message>
    <message>
        <source>Stop the answer, or cancel the current action</source>
        <translation>停止回答，或取消当前操作</translation>
    </message>
    <message>
        <source>Try the last answer again</source>
        <translation>重试最后一个回答</translation>
    </message>
    <message>
        <source>Try again with another model</source>
        <translation>换模型重试</translation>
    </message>
    <message>
        <source>Continue the last answer</source>
        <translation>继续最后一个回答</translation>
    </message>
    <message>
        <source>Edit the last question</source>
        <translation>编辑最后一个问题</translation>
    </message>
    <message>
        <source>Copy the last answer</source>
        <translation>复制最后一个回答</translation>
    </message>
    <message>
        <source>Previous version of the last answer</source>
        <translation>最后一个回答的上一版本</translation>
    </message>
    <message>
        <source>Next version of the last answer</source>
        <translation>最后一个回答的下一版本</translation>
    </message>
    <message>
        <source>Details of the last answer</source>
        <translation>最后一个回答的详细信息</translation>
    </message>
    <message>
        <source>Find in this conversation</source>
        <translation>在此对话中查找</translation>
    </message>
    <message>
        <source>Next match</source>
        <translation>下一个匹配项</translation>
    </message>
    <message>
        <source>Previous match</source>
        <translation>上一个匹配项</translation>
    </message>
    <message>
        <source>Next message</source>
        <translation>下一条消息</translation>
    </message>
    <message>
        <source>Previous message</source>
        <translation>上一条消息</translation>
    </message>
    <message>
        <source>Go to the next button or link in the message</source>
        <translation>转到消息中的下一个按钮或链接</translation>
    </message>
    <message>
        <source>Activate the button or link</source>
        <translation>按下该按钮或打开该链接</translation>
    </message>
    <message>
        <source>Message menu</source>
        <translation>消息菜单</translation>
    </message>
    <message>
        <source>Select all</source>
        <translation>全选</translation>
    </message>
    <message>
        <source>Select with the keyboard</source>
        <translation>用键盘选择文字</translation>
    </message>
    <message>
        <source>Show a caret that moves with the arrow keys</source>
        <translation>显示可用方向键移动的光标</translation>
    </message>
    <message>
        <source>Copy selection</source>
        <translation>复制所选内容</translation>
    </message>
    <message>
        <source>Copy selection as Markdown</source>
        <translation>将所选内容复制为 Markdown</translation>
    </message>
    <message>
        <source>Go to the beginning</source>
        <translation>转到开头</translation>
    </message>
    <message>
        <source>Go to the end and follow the answer</source>
        <translation>转到末尾并跟随回答</translation>
    </message>
    <message>
        <source>Show or hide conversations</source>
        <translation>显示或隐藏对话列表</translation>
    </message>
    <message>
        <source>Zoom in</source>
        <translation>放大</translation>
    </message>
    <message>
        <source>Zoom out</source>
        <translation>缩小</translation>
    </message>
    <message>
        <source>Reset zoom</source>
        <translation>重置缩放</translation>
    </message>
    <message>
        <source>Command palette</source>
        <translation>命令面板</translation>
    </message>
    <message>
        <source>Choose a model</source>
        <translation>选择模型</translation>
    </message>
    <message>
        <source>Change model, switch model</source>
        <translation>换模型，切换模型，更换模型</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Diagnostics</source>
        <translation>诊断</translation>
    </message>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>快捷键</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出程序</translation>
    </message>
</context>
<context>
    <name>start</name>
    <message>
        <source>Recovered messages: {messages}, in conversations: {conversations}. The damaged file is kept as {path}.</source>
        <translation>已恢复 {conversations} 个对话中的 {messages} 条消息。损坏的文件已保留为 {path}。</translation>
    </message>
</context>
<context>
    <name>status</name>
    <message>
        <source>No file manager is available. The folder is {path}.</source>
        <translation>没有可用的文件管理器。文件夹位于 {path}。</translation>
    </message>
</context>
<context>
    <name>transcript</name>
    <message>
        <source>Tool call</source>
        <translation>工具调用</translation>
    </message>
    <message>
        <source>Result of the tool</source>
        <translation>工具的结果</translation>
    </message>
    <message>
        <source>Error of the tool</source>
        <translation>工具的错误</translation>
    </message>
    <message>
        <source>Drawing…</source>
        <translation>正在绘制…</translation>
    </message>
    <message>
        <source>Can&apos;t be drawn</source>
        <translation>无法绘制</translation>
    </message>
</context>
</TS>

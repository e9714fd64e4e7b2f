<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN">
<context>
    <name>Composer</name>
    <message>
        <source>Message…</source>
        <translation>输入消息…</translation>
    </message>
    <message>
        <source>Message</source>
        <translation>消息</translation>
    </message>
    <message>
        <source>Send (Enter)</source>
        <translation>发送 (Enter)</translation>
    </message>
    <message>
        <source>Send</source>
        <translation>发送</translation>
    </message>
    <message>
        <source>Stop (Esc)</source>
        <translation>停止 (Esc)</translation>
    </message>
    <message>
        <source>Stop</source>
        <translation>停止</translation>
    </message>
</context>
<context>
    <name>ContextGauge</name>
    <message>
        <source>context {used} / {size}</source>
        <translation>上下文 {used} / {size}</translation>
    </message>
    <message>
        <source>{used} of {size} tokens of the context are used</source>
        <translation>上下文共 {size} 个词元，已用 {used} 个</translation>
    </message>
</context>
<context>
    <name>CrashDialog</name>
    <message>
        <source>Copied.</source>
        <translation>已复制。</translation>
    </message>
    <message>
        <source>No program on this machine opens folders. It is {path}.</source>
        <translation>这台电脑上没有可以打开文件夹的程序。文件夹位于 {path}。</translation>
    </message>
    <message>
        <source>A bug in APUS Chat</source>
        <translation>APUS Chat 的程序错误</translation>
    </message>
    <message>
        <source>Something in APUS Chat went wrong</source>
        <translation>APUS Chat 出了问题</translation>
    </message>
    <message>
        <source>It is a bug of the program, not of anything you did. Your conversations are saved. You can go on; if something behaves oddly afterwards, start the program again.</source>
        <translation>这是程序自身的错误，与您的操作无关。您的对话都已保存，可以继续使用；如果之后有异常表现，请重新启动程序。</translation>
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
        <source>From a JSON export of APUS Chat. What is here already stays as it is.</source>
        <translation>从 APUS Chat 导出的 JSON 文件导入，已有的内容保持不变。</translation>
    </message>
    <message>
        <source>Import…</source>
        <translation>导入…</translation>
    </message>
    <message>
        <source>Back up the database</source>
        <translation>备份数据库</translation>
    </message>
    <message>
        <source>One file that holds all conversations, also deleted ones.</source>
        <translation>把全部对话（包括已删除的）存成一个文件。</translation>
    </message>
    <message>
        <source>Back up…</source>
        <translation>备份…</translation>
    </message>
    <message>
        <source>Default settings</source>
        <translation>默认设置</translation>
    </message>
    <message>
        <source>Everything on this page as it came. Conversations and models stay.</source>
        <translation>把本页的所有设置恢复为初始值，对话和模型不受影响。</translation>
    </message>
    <message>
        <source>Restore defaults</source>
        <translation>恢复默认设置</translation>
    </message>
    <message>
        <source>No program on this machine opens folders. It is {path}.</source>
        <translation>这台电脑上没有可以打开文件夹的程序。文件夹位于 {path}。</translation>
    </message>
    <message>
        <source>Exported conversations (*.json);;All files (*)</source>
        <translation>导出的对话 (*.json);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Importing {name}…</source>
        <translation>正在导入 {name}…</translation>
    </message>
    <message>
        <source>Imported. New conversations: {conversations}, new messages: {messages}.</source>
        <translation>导入完成：新增 {conversations} 个对话、{messages} 条消息。</translation>
    </message>
    <message>
        <source>Nothing new: everything in this file is here already.</source>
        <translation>没有新内容：文件中的内容都已存在。</translation>
    </message>
    <message>
        <source>Database (*.sqlite3)</source>
        <translation>数据库 (*.sqlite3)</translation>
    </message>
    <message>
        <source>Copying the database…</source>
        <translation>正在复制数据库…</translation>
    </message>
    <message>
        <source>The copy is complete: {path}</source>
        <translation>备份完成：{path}</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
</context>
<context>
    <name>ExportDialog</name>
    <message>
        <source>APUS Chat {day}</source>
        <translation>APUS Chat {day}</translation>
    </message>
    <message>
        <source>A folder with one file for each conversation.</source>
        <translation>将建立一个文件夹，每个对话一个文件。</translation>
    </message>
    <message>
        <source>This file is there already and will be replaced.</source>
        <translation>此文件已存在，将被替换。</translation>
    </message>
    <message>
        <source>There is no conversation to export yet.</source>
        <translation>还没有可以导出的对话。</translation>
    </message>
    <message>
        <source>Export into folder</source>
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
        <source>Exported to {name}.</source>
        <translation>已导出到 {name}。</translation>
    </message>
    <message>
        <source>Exported. Files written: {count}.</source>
        <translation>导出完成，共写入 {count} 个文件。</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>No program on this machine opens folders. It is {path}.</source>
        <translation>这台电脑上没有可以打开文件夹的程序。文件夹位于 {path}。</translation>
    </message>
    <message>
        <source>Export conversations</source>
        <translation>导出对话</translation>
    </message>
    <message>
        <source>What</source>
        <translation>内容</translation>
    </message>
    <message>
        <source>Format</source>
        <translation>格式</translation>
    </message>
    <message>
        <source>Save as</source>
        <translation>保存为</translation>
    </message>
    <message>
        <source>This conversation: {title}</source>
        <translation>当前对话：{title}</translation>
    </message>
    <message>
        <source>This conversation</source>
        <translation>当前对话</translation>
    </message>
    <message>
        <source>All conversations ({count})</source>
        <translation>全部对话（{count} 个）</translation>
    </message>
    <message>
        <source>With the model, settings and speed of each answer</source>
        <translation>附上每条回答的模型、设置和速度</translation>
    </message>
    <message>
        <source>Browse…</source>
        <translation>浏览…</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>Markdown</source>
        <translation>Markdown</translation>
    </message>
    <message>
        <source>The branch that is shown, as text for people and other programs.</source>
        <translation>当前显示的分支，文本形式，便于阅读或交给其他程序。</translation>
    </message>
    <message>
        <source>JSON</source>
        <translation>JSON</translation>
    </message>
    <message>
        <source>Everything, with all branches; can be imported again.</source>
        <translation>完整内容，包括所有分支，可以重新导入。</translation>
    </message>
    <message>
        <source>HTML page</source>
        <translation>HTML 网页</translation>
    </message>
    <message>
        <source>To read in a browser, as it looks here.</source>
        <translation>在浏览器中阅读，外观与这里一致。</translation>
    </message>
    <message>
        <source>PDF</source>
        <translation>PDF</translation>
    </message>
    <message>
        <source>To print or to hand on.</source>
        <translation>便于打印或分享。</translation>
    </message>
    <message>
        <source>Plain text</source>
        <translation>纯文本</translation>
    </message>
    <message>
        <source>Questions and answers, nothing else.</source>
        <translation>只含提问和回答。</translation>
    </message>
    <message>
        <source>JSON Lines</source>
        <translation>JSON Lines</translation>
    </message>
    <message>
        <source>One conversation on each line, for other programs.</source>
        <translation>每行一个对话，供其他程序使用。</translation>
    </message>
</context>
<context>
    <name>Header</name>
    <message>
        <source>Show or hide the conversations (Ctrl+B)</source>
        <translation>显示或隐藏对话列表 (Ctrl+B)</translation>
    </message>
    <message>
        <source>Show or hide the conversations</source>
        <translation>显示或隐藏对话列表</translation>
    </message>
    <message>
        <source>Export (Ctrl+E)</source>
        <translation>导出 (Ctrl+E)</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
    </message>
</context>
<context>
    <name>LocalModels</name>
    <message>
        <source>Comes with the program</source>
        <translation>随程序附带</translation>
    </message>
    <message>
        <source>In use</source>
        <translation>使用中</translation>
    </message>
    <message>
        <source>Model files (*.gguf);;All files (*)</source>
        <translation>模型文件 (*.gguf);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Add a model file</source>
        <translation>添加模型文件</translation>
    </message>
    <message>
        <source>Looking at {name}…</source>
        <translation>正在检查 {name}…</translation>
    </message>
    <message>
        <source>{name} is on the list already.</source>
        <translation>{name} 已在列表中。</translation>
    </message>
    <message>
        <source>Added {name}. The file stays where it is.</source>
        <translation>已添加 {name}，文件仍在原处。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>{name} is off the list. The file stays where it is.</source>
        <translation>已将 {name} 移出列表，文件仍在原处。</translation>
    </message>
    <message>
        <source>Models on this machine</source>
        <translation>这台电脑上的模型</translation>
    </message>
    <message>
        <source>There is no model on this machine yet. Add a .gguf file, or drop one here.</source>
        <translation>这台电脑上还没有模型。请添加一个 .gguf 文件，或将文件拖放到这里。</translation>
    </message>
    <message>
        <source>Add a model file…</source>
        <translation>添加模型文件…</translation>
    </message>
    <message>
        <source>Remove from list</source>
        <translation>移出列表</translation>
    </message>
    <message>
        <source>The file itself stays where it is.</source>
        <translation>文件本身仍在原处。</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>使用</translation>
    </message>
</context>
<context>
    <name>MessageItems</name>
    <message>
        <source>Loading {model}: {percent} %{left}</source>
        <translation>正在加载 {model}：{percent} %{left}</translation>
    </message>
    <message>
        <source>Thinking…{left}</source>
        <translation>正在思考…{left}</translation>
    </message>
    <message>
        <source>Reading the conversation: {read} of {total} tokens{left}</source>
        <translation>正在读取对话：{read} / {total} 个词元{left}</translation>
    </message>
    <message>
        <source>Waiting for the other answer to end…</source>
        <translation>正在等待另一条回答结束…</translation>
    </message>
    <message>
        <source>{number} tokens/s</source>
        <translation>{number} 词元/秒</translation>
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
        <source>Interrupted: the program ended before the answer did. What was there is kept.</source>
        <translation>已中断：回答完成前程序就结束了。已有内容已保留。</translation>
    </message>
    <message>
        <source>Stopped.</source>
        <translation>已停止。</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个词元</translation>
    </message>
    <message>
        <source>cut at the limit of length</source>
        <translation>达到长度上限，已截断</translation>
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
    <name>ModelChoice</name>
    <message>
        <source>Choose a model</source>
        <translation>选择模型</translation>
    </message>
    <message>
        <source>No model has been chosen yet</source>
        <translation>尚未选择模型</translation>
    </message>
    <message>
        <source>Loaded when you send a message</source>
        <translation>发送消息时加载</translation>
    </message>
    <message>
        <source>{model} · loading {percent} %</source>
        <translation>{model} · 加载中 {percent} %</translation>
    </message>
    <message>
        <source>Loaded and ready</source>
        <translation>已加载，可以使用</translation>
    </message>
    <message>
        <source>Models…</source>
        <translation>模型…</translation>
    </message>
    <message>
        <source>Release the model (frees its memory)</source>
        <translation>释放模型（腾出内存）</translation>
    </message>
</context>
<context>
    <name>ModelsDialog</name>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Models on this machine</source>
        <translation>这台电脑上的模型</translation>
    </message>
    <message>
        <source>Any GGUF chat model works. Files stay where they are; drop one here to add it.</source>
        <translation>支持任何 GGUF 对话模型。文件仍在原处；把文件拖放到这里即可添加。</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>NoticeBar</name>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>RowDelegate</name>
    <message>
        <source>Title</source>
        <translation>标题</translation>
    </message>
</context>
<context>
    <name>SettingsDialog</name>
    <message>
        <source>The defaults are restored.</source>
        <translation>已恢复默认设置。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Settings</source>
        <translation>设置</translation>
    </message>
    <message>
        <source>Appearance</source>
        <translation>外观</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
    <message>
        <source>System</source>
        <translation>跟随系统</translation>
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
        <source>No limit</source>
        <translation>不限制</translation>
    </message>
    <message>
        <source>Number</source>
        <translation>指定</translation>
    </message>
    <message>
        <source>Tokens</source>
        <translation>词元数</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>层数</translation>
    </message>
    <message>
        <source>For example: Answer briefly.</source>
        <translation>例如：请简短回答。</translation>
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
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>System prompt</source>
        <translation>系统提示词</translation>
    </message>
    <message>
        <source>What the model is told before every new conversation.</source>
        <translation>每个新对话开始前告诉模型的话。</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>Higher is more varied, lower more predictable; 0 takes the most probable token.</source>
        <translation>越高越多样，越低越稳定；0 表示只取概率最高的词元。</translation>
    </message>
    <message>
        <source>In tokens; an English word is a little more than one.</source>
        <translation>以词元 (token) 计，一个汉字约为一个词元。</translation>
    </message>
    <message>
        <source>As many as fit; the processor computes the others.</source>
        <translation>“自动”表示能放多少放多少，其余的层由处理器计算。</translation>
    </message>
    <message>
        <source>Frees its memory after this time without a question.</source>
        <translation>超过这段时间没有提问就腾出内存。</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Among the most probable tokens that together reach this share; 1 keeps all.</source>
        <translation>只在累计概率达到此值的最可能词元中选择；1 表示全部保留。</translation>
    </message>
    <message>
        <source>Among this many of the most probable tokens; 0 keeps all.</source>
        <translation>只在概率最高的若干个词元中选择；0 表示全部保留。</translation>
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
        <source>Leaves out tokens below this share of the most probable one; 0 keeps all.</source>
        <translation>舍去概率低于最高概率这一比例的词元；0 表示全部保留。</translation>
    </message>
    <message>
        <source>Repeat penalty</source>
        <translation>重复惩罚</translation>
    </message>
    <message>
        <source>Above 1 makes it less likely to repeat itself; 1 changes nothing.</source>
        <translation>大于 1 可减少重复；1 表示不起作用。</translation>
    </message>
    <message>
        <source>Longest answer</source>
        <translation>回答长度上限</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>Tokens the model sees at once; more take more memory.</source>
        <translation>模型一次能看到的词元数。越多，占用的内存越大。</translation>
    </message>
    <message>
        <source>Layers on GPUs</source>
        <translation>GPU 上的层数</translation>
    </message>
    <message>
        <source>Release the model</source>
        <translation>释放模型</translation>
    </message>
</context>
<context>
    <name>Sidebar</name>
    <message>
        <source>Untitled</source>
        <translation>无标题</translation>
    </message>
    <message>
        <source>Nothing found. Try another word.</source>
        <translation>没有找到。请换一个词试试。</translation>
    </message>
    <message>
        <source>Your conversations will be listed here.</source>
        <translation>您的对话会列在这里。</translation>
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
        <source>Last seven days</source>
        <translation>最近七天</translation>
    </message>
    <message>
        <source>Earlier</source>
        <translation>更早</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Search titles and messages (Ctrl+F)</source>
        <translation>搜索标题和消息 (Ctrl+F)</translation>
    </message>
    <message>
        <source>Search titles and messages</source>
        <translation>搜索标题和消息</translation>
    </message>
    <message>
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>New conversation (Ctrl+N)</source>
        <translation>新对话 (Ctrl+N)</translation>
    </message>
    <message>
        <source>Conversations</source>
        <translation>对话列表</translation>
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
    <message>
        <source>Settings (Ctrl+,)</source>
        <translation>设置 (Ctrl+,)</translation>
    </message>
</context>
<context>
    <name>Transcript</name>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Copied</source>
        <translation>已复制</translation>
    </message>
    <message>
        <source>Copy code</source>
        <translation>复制代码</translation>
    </message>
    <message>
        <source>Copy link address</source>
        <translation>复制链接地址</translation>
    </message>
    <message>
        <source>Copy message as Markdown</source>
        <translation>以 Markdown 格式复制消息</translation>
    </message>
    <message>
        <source>Select all</source>
        <translation>全选</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>Continue</source>
        <translation>继续</translation>
    </message>
    <message>
        <source>Edit</source>
        <translation>编辑</translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation>思考过程</translation>
    </message>
    <message>
        <source>You</source>
        <translation>你</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
    <message>
        <source>Jump to the newest message</source>
        <translation>跳到最新消息</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
</context>
<context>
    <name>Welcome</name>
    <message>
        <source>Use the starter model</source>
        <translation>使用入门模型</translation>
    </message>
    <message>
        <source>Choose a model file…</source>
        <translation>选择模型文件…</translation>
    </message>
    <message>
        <source>What would you like to talk about?</source>
        <translation>想聊点什么？</translation>
    </message>
    <message>
        <source>{model} answers here, on this computer. Nothing leaves it.</source>
        <translation>{model} 在本机回答，内容不会外传。</translation>
    </message>
    <message>
        <source>Chat with a model on your own computer</source>
        <translation>在自己的电脑上与模型对话</translation>
    </message>
    <message>
        <source>The starter model is already here: very small and quick, good for a first try, not for hard questions. You can also choose any GGUF chat model that you have.</source>
        <translation>入门模型已经就绪：小巧快速，适合初次体验，不适合回答难题。您也可以选择自己已有的任何 GGUF 对话模型。</translation>
    </message>
    <message>
        <source>Choose a GGUF chat model that you have to begin.</source>
        <translation>请选择一个已有的 GGUF 对话模型，即可开始。</translation>
    </message>
</context>
<context>
    <name>Workspace</name>
    <message>
        <source>There is no model yet that could answer. Choose a model file.</source>
        <translation>还没有可以回答的模型。请选择一个模型文件。</translation>
    </message>
    <message>
        <source>Choose a model file…</source>
        <translation>选择模型文件…</translation>
    </message>
    <message>
        <source>Conversation deleted.</source>
        <translation>对话已删除。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Choose a model file</source>
        <translation>选择模型文件</translation>
    </message>
    <message>
        <source>GGUF model files (*.gguf)</source>
        <translation>GGUF 模型文件 (*.gguf)</translation>
    </message>
    <message>
        <source>Open this address in your browser?</source>
        <translation>要在浏览器中打开这个地址吗？</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
</context>
<context>
    <name>errors</name>
    <message>
        <source>There is no file {path}. Check the name, or choose another file.</source>
        <translation>文件 {path} 不存在。请检查名称，或选择其他文件。</translation>
    </message>
    <message>
        <source>The file {path} cannot be read ({detail}). Check its permissions and the disk it lies on.</source>
        <translation>无法读取文件 {path}（{detail}）。请检查它的权限和所在的磁盘。</translation>
    </message>
    <message>
        <source>{path} is a folder. Choose the .gguf file in it.</source>
        <translation>{path} 是文件夹。请选择其中的 .gguf 文件。</translation>
    </message>
    <message>
        <source>{path} is not an ordinary file. Choose a .gguf file.</source>
        <translation>{path} 不是普通文件。请选择一个 .gguf 文件。</translation>
    </message>
    <message>
        <source>The file {path} changed while it was read. Try again when nothing writes to it.</source>
        <translation>文件 {path} 在读取过程中发生了变化。请等其他程序写完后重试。</translation>
    </message>
    <message>
        <source>The file {path} cannot be written ({detail}). Choose another place for it.</source>
        <translation>无法写入文件 {path}（{detail}）。请换一个位置。</translation>
    </message>
    <message>
        <source>The disk is full, so {path} could not be saved. Free some space and try again; nothing saved before is lost.</source>
        <translation>磁盘已满，无法保存 {path}。请腾出空间后重试；之前保存的内容都没有丢失。</translation>
    </message>
    <message>
        <source>{path} is not a GGUF file. Choose a model file that ends in .gguf, or download it again.</source>
        <translation>{path} 不是 GGUF 文件。请选择扩展名为 .gguf 的模型文件，或重新下载。</translation>
    </message>
    <message>
        <source>{path} is a GGUF file of version {version}, which the engine cannot read. Get a newer file of it.</source>
        <translation>{path} 是版本 {version} 的 GGUF 文件，引擎无法读取。请获取该模型较新的文件。</translation>
    </message>
    <message>
        <source>The model file {path} is damaged ({detail}). Download it again, or choose another file.</source>
        <translation>模型文件 {path} 已损坏（{detail}）。请重新下载，或选择其他文件。</translation>
    </message>
    <message>
        <source>The model file {path} is not complete: {bytes} of {expected_bytes} are there. Finish its download, or get it again.</source>
        <translation>模型文件 {path} 不完整：共 {expected_bytes}，现有 {bytes}。请完成下载，或重新获取。</translation>
    </message>
    <message>
        <source>{path} uses a quantisation ({type}) that this program does not know. Choose another quantisation.</source>
        <translation>{path} 使用了本程序不认识的量化类型（{type}）。请选择其他量化版本。</translation>
    </message>
    <message>
        <source>A part of the split model is missing: {path}. Put all its parts in one folder.</source>
        <translation>分卷模型缺少一个分卷：{path}。请把所有分卷放在同一个文件夹中。</translation>
    </message>
    <message>
        <source>{path} says that it is part {number} of {count}, but its name says otherwise. Give it back its own name.</source>
        <translation>{path} 的内容表明它是 {count} 个分卷中的第 {number} 个，但与文件名不符。请恢复原来的文件名。</translation>
    </message>
    <message>
        <source>{path} was made before April 2024 and keeps each expert in a tensor of its own, which no current engine loads. Get a newer file of this model.</source>
        <translation>{path} 制作于 2024 年 4 月之前，每个专家单独占一个张量，当前的引擎都无法加载。请获取该模型较新的文件。</translation>
    </message>
    <message>
        <source>{path} holds no chat model, but a part or an addition for one. Choose the model&apos;s own file.</source>
        <translation>{path} 不是对话模型，而是模型的一部分或附加文件。请选择模型本身的文件。</translation>
    </message>
    <message>
        <source>There is no model {id} on this machine. Known here: {known}. A path to a .gguf file works too.</source>
        <translation>这台电脑上没有模型 {id}。已有的模型：{known}。也可以使用 .gguf 文件的路径。</translation>
    </message>
    <message>
        <source>The starter model is not installed. Run python3 start.py once, which installs it.</source>
        <translation>入门模型尚未安装。请运行一次 python3 start.py 进行安装。</translation>
    </message>
    <message>
        <source>The starter model belongs to the program and stays.</source>
        <translation>入门模型是程序的一部分，不能移除。</translation>
    </message>
    <message>
        <source>Another program holds the list of models ({path}). Close it and try again.</source>
        <translation>另一个程序正在占用模型列表（{path}）。请关闭它后重试。</translation>
    </message>
    <message>
        <source>The list of models {path} cannot be written ({detail}). Check the permissions of its folder.</source>
        <translation>无法写入模型列表 {path}（{detail}）。请检查所在文件夹的权限。</translation>
    </message>
    <message>
        <source>The list of models {path} cannot be read ({detail}). Check its permissions.</source>
        <translation>无法读取模型列表 {path}（{detail}）。请检查它的权限。</translation>
    </message>
    <message>
        <source>The list of models {path} was written by a newer version of APUS Chat. Update this one.</source>
        <translation>模型列表 {path} 由更新版本的 APUS Chat 写入。请更新本程序。</translation>
    </message>
    <message>
        <source>The engine refused the model file {path}{reason}. Choose another file, or a smaller context.</source>
        <translation>引擎无法加载模型文件 {path}{reason}。请选择其他文件，或减小上下文。</translation>
    </message>
    <message>
        <source>No model is loaded. Send the message again.</source>
        <translation>没有已加载的模型。请重新发送消息。</translation>
    </message>
    <message>
        <source>The engine could not be started. Run python3 start.py --rebuild; its log tells more.</source>
        <translation>引擎无法启动。请运行 python3 start.py --rebuild；详情见其日志。</translation>
    </message>
    <message>
        <source>The engine ended while {phase} ({ending}). What was there is kept; try again, and the engine starts anew.</source>
        <translation>引擎在{phase}时意外退出（{ending}）。已有内容已保留；请重试，引擎会重新启动。</translation>
    </message>
    <message>
        <source>The engine ended while {phase}, most likely for want of memory ({ending}). Close other programs, or choose a smaller quantisation or context, and try again.</source>
        <translation>引擎在{phase}时意外退出，很可能是内存不足（{ending}）。请关闭其他程序，或选择更小的量化版本或上下文，然后重试。</translation>
    </message>
    <message>
        <source>The engine could not compute (code {result}). Release the model and try again.</source>
        <translation>引擎计算失败（代码 {result}）。请释放模型后重试。</translation>
    </message>
    <message>
        <source>The context of {context} tokens is full. Start a new conversation, or choose a larger context.</source>
        <translation>{context} 个词元的上下文已满。请开始新对话，或选择更大的上下文。</translation>
    </message>
    <message>
        <source>The conversation has {prompt_tokens} tokens, but the context holds {context}. Shorten the message, start a new conversation, or choose a larger context in the settings.</source>
        <translation>对话有 {prompt_tokens} 个词元，而上下文只能容纳 {context} 个。请缩短消息、开始新对话，或在设置中选择更大的上下文。</translation>
    </message>
    <message>
        <source>The chat template of this model refused the conversation ({detail}). Choose another model file.</source>
        <translation>该模型的对话模板不接受这个对话（{detail}）。请选择其他模型文件。</translation>
    </message>
    <message>
        <source>There is no KV cache type {kv_type}. Choose one of {known}.</source>
        <translation>没有名为 {kv_type} 的 KV 缓存类型。请从 {known} 中选择。</translation>
    </message>
    <message>
        <source>The engine has no device {name}. Choose among {known}.</source>
        <translation>引擎没有设备 {name}。请从 {known} 中选择。</translation>
    </message>
    <message>
        <source>The tensor split has {shares} shares for {devices} devices. Give one share for each device.</source>
        <translation>张量分配有 {shares} 份，而设备有 {devices} 个。请为每个设备指定一份。</translation>
    </message>
    <message>
        <source>This build of the engine cannot use RPC servers. Run python3 start.py --rebuild.</source>
        <translation>此引擎的构建版本不支持 RPC 服务器。请运行 python3 start.py --rebuild。</translation>
    </message>
    <message>
        <source>The RPC server {server} does not answer. Check that it runs and that the address is right.</source>
        <translation>RPC 服务器 {server} 没有响应。请确认它正在运行且地址正确。</translation>
    </message>
    <message>
        <source>There is no conversation {id}. It may have been deleted.</source>
        <translation>对话 {id} 不存在，可能已被删除。</translation>
    </message>
    <message>
        <source>There is no message {id}. It may have been deleted.</source>
        <translation>消息 {id} 不存在，可能已被删除。</translation>
    </message>
    <message>
        <source>Another window or process is writing this answer now. Wait until it is done.</source>
        <translation>另一个窗口或进程正在写这条回答。请等它完成。</translation>
    </message>
    <message>
        <source>The conversations in {path} were written by a newer version of APUS Chat (format {version}, this one knows {known}). Update this program; nothing was changed.</source>
        <translation>{path} 中的对话由更新版本的 APUS Chat 写入（格式 {version}，本程序支持到 {known}）。请更新本程序；没有任何内容被改动。</translation>
    </message>
    <message>
        <source>The database of conversations {path} is damaged ({detail}). Nothing was changed; copies lie in the folder backups beside it.</source>
        <translation>对话数据库 {path} 已损坏（{detail}）。没有任何内容被改动；同一位置的 backups 文件夹中有备份。</translation>
    </message>
    <message>
        <source>Another program holds the database of conversations {path}. Close it and try again.</source>
        <translation>另一个程序正在占用对话数据库 {path}。请关闭它后重试。</translation>
    </message>
    <message>
        <source>The data folder cannot be written ({path}). Check its permissions, or choose another folder.</source>
        <translation>无法写入数据文件夹（{path}）。请检查它的权限，或选择其他文件夹。</translation>
    </message>
    <message>
        <source>The disk failed while {path} was used ({detail}). Check the disk; copies lie in the folder backups.</source>
        <translation>使用 {path} 时磁盘出错（{detail}）。请检查磁盘；backups 文件夹中有备份。</translation>
    </message>
    <message>
        <source>{path} is not a JSON export of APUS Chat ({detail}). Choose a file that was exported as JSON.</source>
        <translation>{path} 不是 APUS Chat 导出的 JSON 文件（{detail}）。请选择以 JSON 格式导出的文件。</translation>
    </message>
    <message>
        <source>{path} was exported by a newer version of APUS Chat. Update this one, then import it again.</source>
        <translation>{path} 由更新版本的 APUS Chat 导出。请更新本程序后再导入。</translation>
    </message>
    <message>
        <source>The file holds a message that belongs to another conversation here. Nothing was imported.</source>
        <translation>文件中有一条消息属于这里的另一个对话。没有导入任何内容。</translation>
    </message>
    <message>
        <source>The file {path} cannot be read ({detail}). Check its permissions.</source>
        <translation>无法读取文件 {path}（{detail}）。请检查它的权限。</translation>
    </message>
    <message>
        <source>There is no export format {format}. Choose among {known}.</source>
        <translation>没有名为 {format} 的导出格式。请从 {known} 中选择。</translation>
    </message>
    <message>
        <source>Several conversations in this format need a folder, and {path} is a file. Choose a folder.</source>
        <translation>以这种格式导出多个对话需要文件夹，而 {path} 是文件。请选择文件夹。</translation>
    </message>
    <message>
        <source>Something went wrong ({code}). The log tells more.</source>
        <translation>出了点问题（{code}）。详情见日志。</translation>
    </message>
    <message>
        <source>starting</source>
        <translation>启动</translation>
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
        <source>exit code {code}</source>
        <translation>退出代码 {code}</translation>
    </message>
</context>
<context>
    <name>export</name>
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
        <translation>您</translation>
    </message>
    <message>
        <source>Assistant</source>
        <translation>助手</translation>
    </message>
    <message>
        <source>being written</source>
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
        <source>Time</source>
        <translation>时间</translation>
    </message>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Quantisation</source>
        <translation>量化</translation>
    </message>
    <message>
        <source>SHA-256 of the file</source>
        <translation>文件的 SHA-256</translation>
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
        <source>Tokens of the prompt</source>
        <translation>提示词元数</translation>
    </message>
    <message>
        <source>Tokens of the answer</source>
        <translation>回答词元数</translation>
    </message>
    <message>
        <source>Tokens per second</source>
        <translation>每秒词元数</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>程序</translation>
    </message>
</context>
</TS>

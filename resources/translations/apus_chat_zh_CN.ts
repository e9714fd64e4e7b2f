<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="zh_CN">
<context>
    <name>AddButtons</name>
    <message>
        <source>Add a model file…</source>
        <translation>添加模型文件…</translation>
    </message>
    <message>
        <source>Add a folder…</source>
        <translation>添加文件夹…</translation>
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
        <source>Add a folder of models</source>
        <translation>添加模型文件夹</translation>
    </message>
</context>
<context>
    <name>AppearanceSettings</name>
    <message>
        <source>Language</source>
        <translation>语言</translation>
    </message>
    <message>
        <source>Theme</source>
        <translation>主题</translation>
    </message>
    <message>
        <source>Text size</source>
        <translation>文字大小</translation>
    </message>
    <message>
        <source>Of conversations and of what you write; also with Ctrl + and Ctrl −.</source>
        <translation>对话和输入框的文字大小；也可用 Ctrl + 和 Ctrl − 调整。</translation>
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
</context>
<context>
    <name>Attaching</name>
    <message>
        <source>Text files (*.txt *.md *.csv *.json *.log *.py *.c *.cpp *.h *.java *.js *.ts *.tex);;All (*)</source>
        <translation>文本文件 (*.txt *.md *.csv *.json *.log *.py *.c *.cpp *.h *.java *.js *.ts *.tex);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Attach text files</source>
        <translation>添加文本附件</translation>
    </message>
    <message>
        <source>Pasted text</source>
        <translation>粘贴的文本</translation>
    </message>
    <message>
        <source>Pasted text {number}</source>
        <translation>粘贴的文本 {number}</translation>
    </message>
</context>
<context>
    <name>AttachmentViewer</name>
    <message>
        <source>Attached text {name}</source>
        <translation>附件文本 {name}</translation>
    </message>
    <message>
        <source>{lines} lines, about {tokens} tokens</source>
        <translation>{lines} 行，约 {tokens} 个词元</translation>
    </message>
    <message>
        <source>{lines} lines, {tokens} tokens</source>
        <translation>{lines} 行，{tokens} 个词元</translation>
    </message>
    <message>
        <source>Text</source>
        <translation>文本</translation>
    </message>
    <message>
        <source>Put it into the message</source>
        <translation>放入消息正文</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>复制</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>Background</name>
    <message>
        <source>The download is complete</source>
        <translation>下载完成</translation>
    </message>
    <message>
        <source>{name} is whole and verified.</source>
        <translation>{name} 完整无误，已通过校验。</translation>
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
    <name>BackupsDialog</name>
    <message>
        <source>Restore a copy</source>
        <translation>恢复备份</translation>
    </message>
    <message>
        <source>Restore the copy of {what}?</source>
        <translation>恢复备份（{what}）？</translation>
    </message>
    <message>
        <source>Every conversation becomes what it was then. What is here now is copied first, so that you can come back to it from this list.</source>
        <translation>所有对话将回到当时的状态。现有内容会先备份一份，之后可以从此列表中恢复。</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Restoring…</source>
        <translation>正在恢复…</translation>
    </message>
    <message>
        <source>Restored. What was here before is the newest copy in the list.</source>
        <translation>已恢复。恢复前的内容是列表中最新的一份备份。</translation>
    </message>
    <message>
        <source>Copying the database…</source>
        <translation>正在复制数据库…</translation>
    </message>
    <message>
        <source>The copy is complete.</source>
        <translation>备份完成。</translation>
    </message>
    <message>
        <source>Database (*.sqlite3);;All files (*)</source>
        <translation>数据库 (*.sqlite3);;所有文件 (*)</translation>
    </message>
    <message>
        <source>Restore from a file</source>
        <translation>从文件恢复</translation>
    </message>
    <message>
        <source>made by itself</source>
        <translation>自动备份</translation>
    </message>
    <message>
        <source>made by you</source>
        <translation>手动备份</translation>
    </message>
    <message>
        <source>before another was restored</source>
        <translation>恢复其他备份之前</translation>
    </message>
    <message>
        <source>before an update</source>
        <translation>更新之前</translation>
    </message>
    <message>
        <source>Copies of the database</source>
        <translation>数据库备份</translation>
    </message>
    <message>
        <source>One is made by itself every day, and the last seven of them are kept. Each holds all conversations, those in archive and bin too.</source>
        <translation>每天自动备份一份，保留最近七份。每份都包含所有对话，归档和回收站中的也在内。</translation>
    </message>
    <message>
        <source>There is no copy yet. The first one is made by itself within a day.</source>
        <translation>还没有备份。一天之内会自动制作第一份。</translation>
    </message>
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
        <source>Close</source>
        <translation>关闭</translation>
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
    <name>Chip</name>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个词元</translation>
    </message>
    <message>
        <source>about {count} tokens</source>
        <translation>约 {count} 个词元</translation>
    </message>
    <message>
        <source>More than the context of {context} tokens holds. Choose a larger context, or attach a part of it.</source>
        <translation>超出了 {context} 个词元的上下文。请选择更大的上下文，或只附上其中一部分。</translation>
    </message>
    <message>
        <source>Show {name}, {size}</source>
        <translation>查看 {name}，{size}</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Remove {name}</source>
        <translation>移除 {name}</translation>
    </message>
</context>
<context>
    <name>ChoiceBar</name>
    <message>
        <source>{count} chosen</source>
        <translation>已选 {count} 个</translation>
    </message>
    <message>
        <source>Archive the chosen ones</source>
        <translation>归档所选对话</translation>
    </message>
    <message>
        <source>Back to the list</source>
        <translation>移回列表</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Export the chosen ones…</source>
        <translation>导出所选对话…</translation>
    </message>
    <message>
        <source>Delete the chosen ones</source>
        <translation>删除所选对话</translation>
    </message>
    <message>
        <source>Delete for good…</source>
        <translation>彻底删除…</translation>
    </message>
</context>
<context>
    <name>Composer</name>
    <message>
        <source>Message…</source>
        <translation>输入消息…</translation>
    </message>
    <message>
        <source>Message… It is not stored.</source>
        <translation>输入消息…（不会保存）</translation>
    </message>
    <message>
        <source>Message</source>
        <translation>消息</translation>
    </message>
    <message>
        <source>Editing an earlier question</source>
        <translation>正在编辑之前的问题</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Leave the question as it is (Esc)</source>
        <translation>不修改这个问题 (Esc)</translation>
    </message>
    <message>
        <source>Cancel editing</source>
        <translation>取消编辑</translation>
    </message>
    <message>
        <source>Attach text files (Ctrl+Shift+A); they can be dropped here too</source>
        <translation>添加文本附件 (Ctrl+Shift+A)；也可以直接拖到这里</translation>
    </message>
    <message>
        <source>Attach text files</source>
        <translation>添加文本附件</translation>
    </message>
    <message>
        <source>Send (Enter)</source>
        <translation>发送 (Enter)</translation>
    </message>
    <message>
        <source>A file is being read…</source>
        <translation>正在读取文件…</translation>
    </message>
    <message>
        <source>Send as another version (Enter)</source>
        <translation>作为新版本发送 (Enter)</translation>
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
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>Shows what is pinned and left out, and what happens when it is full</source>
        <translation>查看固定和略去的消息，以及上下文满时的处理方式</translation>
    </message>
</context>
<context>
    <name>ContextPopover</name>
    <message>
        <source>Context of this conversation</source>
        <translation>此对话的上下文</translation>
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
        <source>Pinned</source>
        <translation>已固定</translation>
    </message>
    <message>
        <source>No longer seen</source>
        <translation>模型已看不到</translation>
    </message>
    <message>
        <source>about {count} tokens</source>
        <translation>约 {count} 个词元</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个词元</translation>
    </message>
    <message>
        <source>{free} of {size}</source>
        <translation>{free}，共 {size} 个</translation>
    </message>
    <message>
        <source>When it is full</source>
        <translation>上下文满时</translation>
    </message>
    <message>
        <source>Stop and ask me</source>
        <translation>停下来问我</translation>
    </message>
    <message>
        <source>Nothing is left out; a question that has no room waits.</source>
        <translation>不略去任何内容；放不下的问题会先保留。</translation>
    </message>
    <message>
        <source>Leave out the oldest turns</source>
        <translation>略去最早的对话轮次</translation>
    </message>
    <message>
        <source>Pinned messages stay; a line shows where the view ends.</source>
        <translation>固定的消息保留；分隔线标明模型从哪里开始看得到。</translation>
    </message>
    <message>
        <source>Larger context…</source>
        <translation>加大上下文…</translation>
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
    <name>ConversationDefaults</name>
    <message>
        <source>Preset</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>New conversations begin with it, instead of with what stands below.</source>
        <translation>新对话以它开始，而不用下面的设置。</translation>
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
        <source>When the context is full</source>
        <translation>上下文满时</translation>
    </message>
    <message>
        <source>Pinned messages always stay. A line shows above what the model no longer sees.</source>
        <translation>固定的消息始终保留。分隔线以上的内容模型已看不到。</translation>
    </message>
    <message>
        <source>Titles from the model</source>
        <translation>由模型拟定标题</translation>
    </message>
    <message>
        <source>It is asked for one, in a moment of rest, where the first question does not make one.</source>
        <translation>第一个问题不适合作标题时，趁空闲请模型拟一个。</translation>
    </message>
    <message>
        <source>Stop and ask me</source>
        <translation>停下来问我</translation>
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
        <source>None</source>
        <translation>无</translation>
    </message>
</context>
<context>
    <name>ConversationList</name>
    <message>
        <source>Untitled</source>
        <translation>无标题</translation>
    </message>
    <message>
        <source>{title}, pinned</source>
        <translation>{title}，已置顶</translation>
    </message>
    <message>
        <source>Pinned</source>
        <translation>已固定</translation>
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
    <name>ConversationMenu</name>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>恢复</translation>
    </message>
    <message>
        <source>Delete for good…</source>
        <translation>彻底删除…</translation>
    </message>
    <message>
        <source>Open</source>
        <translation>打开</translation>
    </message>
    <message>
        <source>Rename</source>
        <translation>重命名</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>取消置顶</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>置顶</translation>
    </message>
    <message>
        <source>Back to the list</source>
        <translation>移回列表</translation>
    </message>
    <message>
        <source>Archive</source>
        <translation>归档</translation>
    </message>
    <message>
        <source>Export…</source>
        <translation>导出…</translation>
    </message>
    <message>
        <source>Delete</source>
        <translation>删除</translation>
    </message>
</context>
<context>
    <name>ConversationSettings</name>
    <message>
        <source>“{name}” is applied.</source>
        <translation>已应用“{name}”。</translation>
    </message>
    <message>
        <source>What the settings say is applied.</source>
        <translation>已改用全局设置。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>This conversation</source>
        <translation>当前对话</translation>
    </message>
    <message>
        <source>Settings of this conversation</source>
        <translation>此对话的设置</translation>
    </message>
    <message>
        <source>Changes hold from the next answer on. What made an answer is kept with each answer.</source>
        <translation>修改从下一个回答起生效。每个回答都会记下生成它时的参数。</translation>
    </message>
    <message>
        <source>Preset</source>
        <translation>预设</translation>
    </message>
    <message>
        <source>System prompt, sampling and the rest, at once.</source>
        <translation>一次设定系统提示词、采样等全部参数。</translation>
    </message>
    <message>
        <source>System prompt</source>
        <translation>系统提示词</translation>
    </message>
    <message>
        <source>What the model is told before the conversation.</source>
        <translation>对话开始前告诉模型的内容。</translation>
    </message>
    <message>
        <source>Sampling</source>
        <translation>采样</translation>
    </message>
    <message>
        <source>How the next token is chosen.</source>
        <translation>如何选取下一个词元。</translation>
    </message>
    <message>
        <source>When the context is full</source>
        <translation>上下文满时</translation>
    </message>
    <message>
        <source>Pinned messages always stay. A line shows above what the model no longer sees.</source>
        <translation>固定的消息始终保留。分隔线以上的内容模型已看不到。</translation>
    </message>
    <message>
        <source>Take the one of the settings</source>
        <translation>改用全局设置中的提示词</translation>
    </message>
    <message>
        <source>As in the settings</source>
        <translation>与全局设置相同</translation>
    </message>
    <message>
        <source>Of its own</source>
        <translation>单独设定</translation>
    </message>
    <message>
        <source>Stop and ask me</source>
        <translation>停下来问我</translation>
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
        <source>Copies made by themselves</source>
        <translation>自动备份</translation>
    </message>
    <message>
        <source>One a day, the last seven are kept. Any of them can be restored.</source>
        <translation>每天一份，保留最近七份，均可恢复。</translation>
    </message>
    <message>
        <source>Copies…</source>
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
        <source>Delete everything of mine</source>
        <translation>删除我的全部内容</translation>
    </message>
    <message>
        <source>All conversations, drafts, presets, copies and logs. Models and the other settings stay.</source>
        <translation>所有对话、草稿、预设、备份和日志。模型和其他设置会保留。</translation>
    </message>
    <message>
        <source>Delete everything…</source>
        <translation>全部删除…</translation>
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
        <source>Left out, because it is damaged or belongs to another conversation: {names} and {count} more.</source>
        <translation>以下内容已损坏或属于其他对话，未导入：{names}，以及另外 {count} 个。</translation>
    </message>
    <message>
        <source>Left out, because it is damaged or belongs to another conversation: {names}.</source>
        <translation>以下内容已损坏或属于其他对话，未导入：{names}。</translation>
    </message>
    <message>
        <source>Deleting…</source>
        <translation>正在删除…</translation>
    </message>
    <message>
        <source>Everything of yours is deleted.</source>
        <translation>您的全部内容已删除。</translation>
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
    <name>Desk</name>
    <message>
        <source>There is no model yet that could answer. Choose a model file.</source>
        <translation>还没有可以回答的模型。请选择一个模型文件。</translation>
    </message>
    <message>
        <source>Choose a model file…</source>
        <translation>选择模型文件…</translation>
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
        <source>This is a new conversation. The one it came from is as it was.</source>
        <translation>这是一个新对话，原来的对话保持不变。</translation>
    </message>
    <message>
        <source>Message deleted.</source>
        <translation>消息已删除。</translation>
    </message>
    <message>
        <source>Message deleted, and the one below it.</source>
        <translation>消息已删除，其后的 1 条也一并删除。</translation>
    </message>
    <message>
        <source>Message deleted, and {count} below it.</source>
        <translation>消息已删除，其后的 {count} 条也一并删除。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>The answer is there</source>
        <translation>回答已完成</translation>
    </message>
    <message>
        <source>The answer was interrupted</source>
        <translation>回答已中断</translation>
    </message>
    <message>
        <source>The chat is kept. It stands among the others now.</source>
        <translation>对话已保存，现已列入左侧列表。</translation>
    </message>
</context>
<context>
    <name>DetailsDialog</name>
    <message>
        <source>What made this answer</source>
        <translation>这个回答是如何生成的</translation>
    </message>
    <message>
        <source>The same file, settings, seed and plan make the same answer again.</source>
        <translation>用同样的文件、设置、种子和方案，可以再次得到同样的回答。</translation>
    </message>
    <message>
        <source>Copy as text</source>
        <translation>复制为文本</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
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
        <source>All of it</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>Automatic ({kind})</source>
        <translation>自动（{kind}）</translation>
    </message>
    <message>
        <source>Use at most, of {device}</source>
        <translation>{device} 最多使用</translation>
    </message>
    <message>
        <source>Keep free, of {device}</source>
        <translation>{device} 保留空闲</translation>
    </message>
    <message>
        <source>pretended</source>
        <translation>模拟</translation>
    </message>
    <message>
        <source>draws the desktop</source>
        <translation>用于显示桌面</translation>
    </message>
    <message>
        <source>takes this machine&apos;s RAM</source>
        <translation>占用本机内存</translation>
    </message>
    <message>
        <source>not used: another device is the same card, or is better</source>
        <translation>未使用：另一设备是同一块显卡，或更合适</translation>
    </message>
    <message>
        <source>{count} more</source>
        <translation>另有 {count} 个</translation>
    </message>
    <message>
        <source>Held by {names}</source>
        <translation>占用者：{names}</translation>
    </message>
</context>
<context>
    <name>DeviceSettings</name>
    <message>
        <source>{server} is not used any more.</source>
        <translation>不再使用 {server}。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>Looking at the devices…</source>
        <translation>正在检查设备…</translation>
    </message>
    <message>
        <source>These GPUs are not there: {variable} pretends them. Plans and advice count with them; a model is loaded on what there really is.</source>
        <translation>这些 GPU 并不存在，由 {variable} 模拟。方案和建议按它们计算；加载模型时仍使用实际的设备。</translation>
    </message>
    <message>
        <source>{engine}, built for {backends}</source>
        <translation>{engine}，支持 {backends}</translation>
    </message>
    <message>
        <source>, NVIDIA driver {version}</source>
        <translation>，NVIDIA 驱动 {version}</translation>
    </message>
    <message>
        <source>There is no graphics card that the engine can use: the processor does all of the work.</source>
        <translation>没有引擎可用的显卡：全部工作由处理器完成。</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>正在查看…</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>重新查看</translation>
    </message>
    <message>
        <source>Not asked, because GPUs are pretended.</source>
        <translation>未询问，因为 GPU 是模拟的。</translation>
    </message>
    <message>
        <source>Asking…</source>
        <translation>正在询问…</translation>
    </message>
    <message>
        <source>Not asked yet.</source>
        <translation>尚未询问。</translation>
    </message>
    <message>
        <source>Reached: {device} with {memory} free</source>
        <translation>已连接：{device}，可用 {memory}</translation>
    </message>
    <message>
        <source>Reached: {devices} with {memory} free</source>
        <translation>已连接：{devices}，可用 {memory}</translation>
    </message>
    <message>
        <source>Devices of other PCs</source>
        <translation>其他电脑的设备</translation>
    </message>
    <message>
        <source>A PC that runs llama.cpp&apos;s rpc-server lends its cards to this one. Nothing that goes over the network there is encrypted: use it in your own network alone.</source>
        <translation>运行 llama.cpp 的 rpc-server 的电脑可以把显卡借给本机。网络传输不加密，请只在自己的网络中使用。</translation>
    </message>
    <message>
        <source>HOST:PORT, such as 192.168.1.20:50052</source>
        <translation>主机:端口，例如 192.168.1.20:50052</translation>
    </message>
    <message>
        <source>Address of an RPC server</source>
        <translation>RPC 服务器的地址</translation>
    </message>
    <message>
        <source>Add</source>
        <translation>添加</translation>
    </message>
    <message>
        <source>Look at the devices again</source>
        <translation>重新查看设备</translation>
    </message>
</context>
<context>
    <name>DoctorDialog</name>
    <message>
        <source>The report is copied. Nothing of your conversations is in it.</source>
        <translation>报告已复制，其中不含任何对话内容。</translation>
    </message>
    <message>
        <source>Copied: {command}</source>
        <translation>已复制：{command}</translation>
    </message>
    <message>
        <source>Looking…</source>
        <translation>正在查看…</translation>
    </message>
    <message>
        <source>Not looked at yet. The hub, its mirror and your servers are asked whether they answer; nothing of yours is sent.</source>
        <translation>尚未检查。检查时只询问站点、镜像站和您的服务器是否有回应，不会发送您的任何内容。</translation>
    </message>
    <message>
        <source>Looking at this computer…</source>
        <translation>正在检查这台电脑…</translation>
    </message>
    <message>
        <source>Everything is in order.</source>
        <translation>一切正常。</translation>
    </message>
    <message>
        <source>One thing could be better. What to do stands beside it.</source>
        <translation>有一项可以改进，旁边写着该怎么做。</translation>
    </message>
    <message>
        <source>{count} things could be better. What to do stands beside each.</source>
        <translation>有 {count} 项可以改进，每项旁边写着该怎么做。</translation>
    </message>
    <message>
        <source>This computer</source>
        <translation>这台电脑</translation>
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
        <source>Copy the report</source>
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
        <source>Measuring {hosts}…</source>
        <translation>正在测试 {hosts}…</translation>
    </message>
    <message>
        <source>{host} is the fastest and taken from now on. {figures}</source>
        <translation>{host} 最快，今后将使用它。{figures}</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
    <message>
        <source>{host}: not reached</source>
        <translation>{host}：无法连接</translation>
    </message>
    <message>
        <source>{host}: {speed} MB/s</source>
        <translation>{host}：{speed} MB/秒</translation>
    </message>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Keep</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>A token is kept</source>
        <translation>已保存访问令牌</translation>
    </message>
    <message>
        <source>The token is removed.</source>
        <translation>访问令牌已移除。</translation>
    </message>
    <message>
        <source>This system has no keyring: the token is kept until the program ends.</source>
        <translation>此系统没有密钥环，访问令牌只保留到程序退出。</translation>
    </message>
    <message>
        <source>The token is kept in the system&apos;s keyring.</source>
        <translation>访问令牌已保存在系统密钥环中。</translation>
    </message>
    <message>
        <source>Where shall the models lie?</source>
        <translation>选择模型的存放位置</translation>
    </message>
    <message>
        <source>Moving the models to {path}…</source>
        <translation>正在把模型移动到 {path}…</translation>
    </message>
    <message>
        <source>The models lie in {path} now.</source>
        <translation>模型现已存放在 {path}。</translation>
    </message>
    <message>
        <source>Models folder</source>
        <translation>模型文件夹</translation>
    </message>
    <message>
        <source>Download from</source>
        <translation>下载来源</translation>
    </message>
    <message>
        <source>The official hub, a mirror of it, or any other endpoint that speaks like it.</source>
        <translation>官方站点、它的镜像，或任何与它兼容的端点。</translation>
    </message>
    <message>
        <source>Fastest mirror</source>
        <translation>最快的镜像</translation>
    </message>
    <message>
        <source>Fetches a little from each and takes the fastest.</source>
        <translation>从各站点试下载少量数据，选用最快的一个。</translation>
    </message>
    <message>
        <source>Access token</source>
        <translation>访问令牌</translation>
    </message>
    <message>
        <source>For repositories that ask one to log in. It goes to huggingface.co alone.</source>
        <translation>用于需要登录的仓库，只会发送给 huggingface.co。</translation>
    </message>
    <message>
        <source>Further hosts for the token</source>
        <translation>其他可接收令牌的主机</translation>
    </message>
    <message>
        <source>Hosts you trust with your token, such as a mirror of your own. Usually none.</source>
        <translation>您信任并允许接收令牌的主机，例如您自己的镜像。通常留空即可。</translation>
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
        <source>Speed limit</source>
        <translation>速度限制</translation>
    </message>
    <message>
        <source>In KiB a second, for all downloads together.</source>
        <translation>单位为 KiB/秒，所有下载合计。</translation>
    </message>
    <message>
        <source>Download while the window is closed</source>
        <translation>窗口关闭后继续下载</translation>
    </message>
    <message>
        <source>The program stays in the system&apos;s tray until everything is there.</source>
        <translation>程序会留在系统托盘中，直到全部下载完成。</translation>
    </message>
    <message>
        <source>Open folder</source>
        <translation>打开文件夹</translation>
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
        <source>Another endpoint</source>
        <translation>其他端点</translation>
    </message>
    <message>
        <source>Address of the endpoint</source>
        <translation>端点地址</translation>
    </message>
    <message>
        <source>As the system says</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>None</source>
        <translation>无</translation>
    </message>
    <message>
        <source>This one</source>
        <translation>手动指定</translation>
    </message>
    <message>
        <source>Address of the proxy</source>
        <translation>代理地址</translation>
    </message>
    <message>
        <source>Test the mirrors</source>
        <translation>测试镜像</translation>
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
        <source>KiB a second</source>
        <translation>KiB/秒</translation>
    </message>
    <message>
        <source>Progress of the move</source>
        <translation>移动进度</translation>
    </message>
</context>
<context>
    <name>EngineSettings</name>
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
        <source>As many as fit; the processor computes the others.</source>
        <translation>“自动”表示能放多少放多少，其余的层由处理器计算。</translation>
    </message>
    <message>
        <source>Release the model</source>
        <translation>释放模型</translation>
    </message>
    <message>
        <source>Frees its memory after this time without a question.</source>
        <translation>超过这段时间没有提问就腾出内存。</translation>
    </message>
    <message>
        <source>This computer</source>
        <translation>这台电脑</translation>
    </message>
    <message>
        <source>What works, what does not, and what to do about it.</source>
        <translation>哪些正常，哪些有问题，以及该怎么办。</translation>
    </message>
    <message>
        <source>Check this machine…</source>
        <translation>检查这台电脑…</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
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
        <source>All</source>
        <translation>全部</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>层数</translation>
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
    <name>EraseDialog</name>
    <message>
        <source>Delete everything of mine</source>
        <translation>删除我的全部内容</translation>
    </message>
    <message>
        <source>Delete everything of mine?</source>
        <translation>删除我的全部内容？</translation>
    </message>
    <message>
        <source>Removed for good: all conversations with their attachments, archive and bin included ({conversations}); what you wrote and did not send; your presets; the copies of the database made here ({copies}); the logs.</source>
        <translation>将彻底删除：所有对话及其附件，包括归档和回收站（{conversations} 个）；已写未发的内容；您的预设；在此制作的数据库备份（{copies} 份）；日志。</translation>
    </message>
    <message>
        <source>Models, servers and the other settings stay, and so does what you exported or copied to another place.</source>
        <translation>模型、服务器和其他设置会保留，您导出或另存到别处的内容也会保留。</translation>
    </message>
    <message>
        <source>I know that this cannot be undone</source>
        <translation>我知道此操作无法撤销</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Delete everything</source>
        <translation>全部删除</translation>
    </message>
</context>
<context>
    <name>ExpertPage</name>
    <message>
        <source>Layers on GPUs</source>
        <translation>GPU 上的层数</translation>
    </message>
    <message>
        <source>Experts in RAM, layers</source>
        <translation>专家在内存中的层数</translation>
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
        <translation>Flash attention</translation>
    </message>
    <message>
        <source>Threads</source>
        <translation>线程数</translation>
    </message>
    <message>
        <source>Batch, tokens</source>
        <translation>批大小（词元）</translation>
    </message>
    <message>
        <source>Micro-batch, tokens</source>
        <translation>微批大小（词元）</translation>
    </message>
    <message>
        <source>Automatic</source>
        <translation>自动</translation>
    </message>
    <message>
        <source>By layers</source>
        <translation>按层</translation>
    </message>
    <message>
        <source>By rows</source>
        <translation>按行</translation>
    </message>
    <message>
        <source>By tensors</source>
        <translation>按张量</translation>
    </message>
    <message>
        <source>One card alone</source>
        <translation>只用一张卡</translation>
    </message>
    <message>
        <source>On</source>
        <translation>开</translation>
    </message>
    <message>
        <source>Off</source>
        <translation>关</translation>
    </message>
    <message>
        <source>Automatic ({kind})</source>
        <translation>自动（{kind}）</translation>
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
        <source>Exporting… about {seconds} s left</source>
        <translation>正在导出…大约还需 {seconds} 秒</translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation>正在停止…</translation>
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
        <source>No program on this machine opens files of this kind.</source>
        <translation>这台电脑上没有可以打开这类文件的程序。</translation>
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
        <source>Progress of the export</source>
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
    <name>FindBar</name>
    <message>
        <source>{place} of {count}</source>
        <translation>第 {place} 处，共 {count} 处</translation>
    </message>
    <message>
        <source>Nothing found</source>
        <translation>没有找到</translation>
    </message>
    <message>
        <source>Find in this conversation</source>
        <translation>在此对话中查找</translation>
    </message>
    <message>
        <source>Previous hit</source>
        <translation>上一处</translation>
    </message>
    <message>
        <source>Next hit</source>
        <translation>下一处</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>FindingRow</name>
    <message>
        <source>In order</source>
        <translation>正常</translation>
    </message>
    <message>
        <source>Could be better</source>
        <translation>可以改进</translation>
    </message>
    <message>
        <source>Needs mending</source>
        <translation>需要处理</translation>
    </message>
    <message>
        <source>Copy the command</source>
        <translation>复制命令</translation>
    </message>
    <message>
        <source>Copy the command {command}</source>
        <translation>复制命令 {command}</translation>
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
    <message>
        <source>Settings of this conversation (Ctrl+Shift+S)</source>
        <translation>此对话的设置 (Ctrl+Shift+S)</translation>
    </message>
    <message>
        <source>Settings of this conversation</source>
        <translation>此对话的设置</translation>
    </message>
    <message>
        <source>Temporary chat: it is not stored (Ctrl+Shift+N)</source>
        <translation>临时对话：不会保存 (Ctrl+Shift+N)</translation>
    </message>
    <message>
        <source>Temporary chat</source>
        <translation>临时对话</translation>
    </message>
    <message>
        <source>Temporary · Keep</source>
        <translation>临时 · 保存</translation>
    </message>
    <message>
        <source>This chat is not stored and is gone when you leave it. Press to keep it.</source>
        <translation>此对话不会保存，离开后即消失。点按可将其保存。</translation>
    </message>
    <message>
        <source>Keep this temporary chat</source>
        <translation>保存此临时对话</translation>
    </message>
</context>
<context>
    <name>History</name>
    <message>
        <source>Conversation archived.</source>
        <translation>对话已归档。</translation>
    </message>
    <message>
        <source>{count} conversations archived.</source>
        <translation>已归档 {count} 个对话。</translation>
    </message>
    <message>
        <source>Conversation deleted.</source>
        <translation>对话已删除。</translation>
    </message>
    <message>
        <source>{count} conversations deleted.</source>
        <translation>已删除 {count} 个对话。</translation>
    </message>
    <message>
        <source>Conversation restored.</source>
        <translation>对话已恢复。</translation>
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
        <source>Delete for good</source>
        <translation>彻底删除</translation>
    </message>
    <message>
        <source>Delete this conversation for good?</source>
        <translation>彻底删除这个对话？</translation>
    </message>
    <message>
        <source>Delete {count} conversations for good?</source>
        <translation>彻底删除这 {count} 个对话？</translation>
    </message>
    <message>
        <source>This cannot be undone. Copies of the database that were made before still hold what was in it.</source>
        <translation>此操作无法撤销。此前制作的数据库副本中仍保留其内容。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
</context>
<context>
    <name>HubSearch</name>
    <message>
        <source>A magnet link fetches from the computers of other people, and gives what is here to others for as long as it runs. The result is verified like any other download.</source>
        <translation>磁力链接会从其他人的电脑下载；运行期间，也会把您已有的部分分享给他人。下载结果会与其他下载一样进行校验。</translation>
    </message>
    <message>
        <source>Download and share</source>
        <translation>下载并分享</translation>
    </message>
    <message>
        <source>Looking for “{text}”…</source>
        <translation>正在搜索“{text}”…</translation>
    </message>
    <message>
        <source>Looking at {name}…</source>
        <translation>正在检查 {name}…</translation>
    </message>
    <message>
        <source>Nothing was found for “{text}”. Try fewer letters of the model&apos;s name, or paste OWNER/REPO.</source>
        <translation>没有找到“{text}”。请少输入几个模型名称的字母，或粘贴 OWNER/REPO。</translation>
    </message>
    <message>
        <source>There is no GGUF file in {name}. Look for a repository whose name ends in GGUF.</source>
        <translation>{name} 中没有 GGUF 文件。请查找名称以 GGUF 结尾的仓库。</translation>
    </message>
    <message>
        <source>Try again</source>
        <translation>重试</translation>
    </message>
    <message>
        <source>gated: accept its terms on its page, and enter your token in the settings</source>
        <translation>需申请访问：请在其页面上接受条款，并在设置中填写您的访问令牌</translation>
    </message>
    <message>
        <source>Repositories with GGUF files, the most fetched first</source>
        <translation>含有 GGUF 文件的仓库，按下载次数排列</translation>
    </message>
    <message>
        <source>Results</source>
        <translation>搜索结果</translation>
    </message>
    <message>
        <source>Your models</source>
        <translation>您的模型</translation>
    </message>
    <message>
        <source>Repositories that were found</source>
        <translation>找到的仓库</translation>
    </message>
    <message>
        <source>Models of the repository</source>
        <translation>仓库中的模型</translation>
    </message>
</context>
<context>
    <name>KeepAwake</name>
    <message>
        <source>An answer is being written, or a download runs</source>
        <translation>正在生成回答或下载文件</translation>
    </message>
</context>
<context>
    <name>KvChoice</name>
    <message>
        <source>Automatic ({kind})</source>
        <translation>自动（{kind}）</translation>
    </message>
    <message>
        <source>f16: exact</source>
        <translation>f16：精确</translation>
    </message>
    <message>
        <source>q8_0: half the memory, hardly a loss</source>
        <translation>q8_0：内存减半，几乎无损</translation>
    </message>
    <message>
        <source>q4_0: a quarter, less exact</source>
        <translation>q4_0：四分之一，精度较低</translation>
    </message>
</context>
<context>
    <name>LayerStrip</name>
    <message>
        <source>Border between {one} and {other}: {before} and {behind} layers</source>
        <translation>{one} 与 {other} 的分界：{before} 层和 {behind} 层</translation>
    </message>
</context>
<context>
    <name>MadeByWords</name>
    <message>
        <source>Model</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Plan</source>
        <translation>方案</translation>
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
        <source>In short</source>
        <translation>概要</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个词元</translation>
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
        <translation>张量拆分</translation>
    </message>
    <message>
        <source>Experts in RAM</source>
        <translation>内存中的专家层</translation>
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
        <source>On the GPUs, but for the experts of {count} layers, which were in RAM.</source>
        <translation>在 GPU 上，其中 {count} 层的专家放在内存里。</translation>
    </message>
    <message>
        <source>The processor computed all of it.</source>
        <translation>全部由处理器计算。</translation>
    </message>
    <message>
        <source>{count} layers were on the GPUs, the others in RAM.</source>
        <translation>{count} 层在 GPU 上，其余在内存里。</translation>
    </message>
    <message>
        <source>weights {weights}, KV cache {kv}, compute {compute} GiB</source>
        <translation>权重 {weights}，KV 缓存 {kv}，计算 {compute} GiB</translation>
    </message>
    <message>
        <source>Temperature</source>
        <translation>温度</translation>
    </message>
    <message>
        <source>Top-k</source>
        <translation>Top-k</translation>
    </message>
    <message>
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Min-p</source>
        <translation>Min-p</translation>
    </message>
    <message>
        <source>Repeat penalty</source>
        <translation>重复惩罚</translation>
    </message>
    <message>
        <source>Longest answer</source>
        <translation>回答长度上限</translation>
    </message>
    <message>
        <source>no limit</source>
        <translation>不限</translation>
    </message>
    <message>
        <source>Stops before</source>
        <translation>停止词</translation>
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
        <source>Read</source>
        <translation>读入</translation>
    </message>
    <message>
        <source>Written</source>
        <translation>生成</translation>
    </message>
    <message>
        <source>To the first token</source>
        <translation>首个词元用时</translation>
    </message>
    <message>
        <source>Thought for</source>
        <translation>思考用时</translation>
    </message>
    <message>
        <source>Ended</source>
        <translation>结束原因</translation>
    </message>
    <message>
        <source>Messages left out</source>
        <translation>略去的消息</translation>
    </message>
    <message>
        <source>{count} tokens, {rate} a second</source>
        <translation>{count} 个词元，每秒 {rate} 个</translation>
    </message>
    <message>
        <source>{seconds} s</source>
        <translation>{seconds} 秒</translation>
    </message>
    <message>
        <source>by itself</source>
        <translation>自然结束</translation>
    </message>
    <message>
        <source>at the limit of length</source>
        <translation>达到长度上限</translation>
    </message>
    <message>
        <source>stopped by you</source>
        <translation>由您停止</translation>
    </message>
    <message>
        <source>with the engine</source>
        <translation>引擎意外退出</translation>
    </message>
</context>
<context>
    <name>MeasureSection</name>
    <message>
        <source>Speed</source>
        <translation>速度</translation>
    </message>
    <message>
        <source>Measure</source>
        <translation>测速</translation>
    </message>
    <message>
        <source>Loads the plan as it is and measures how fast it reads and answers</source>
        <translation>按当前方案加载，测量读取提示和生成回答的速度</translation>
    </message>
    <message>
        <source>Find the fastest…</source>
        <translation>寻找最快的方案…</translation>
    </message>
    <message>
        <source>Measures a few other plans as well and keeps the fastest one that fits; takes some minutes</source>
        <translation>再测几种方案，保留放得下的最快一种；需要几分钟</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>取消</translation>
    </message>
    <message>
        <source>Progress of the measurement</source>
        <translation>测速进度</translation>
    </message>
    <message>
        <source>Cancelled. Nothing was changed.</source>
        <translation>已取消，没有任何更改。</translation>
    </message>
    <message>
        <source>The plan as it is is the fastest of those that fit.</source>
        <translation>在放得下的方案中，当前方案最快。</translation>
    </message>
    <message>
        <source>The fastest one is kept: the next message loads the model so.</source>
        <translation>已保留最快的方案：下一条消息会这样加载模型。</translation>
    </message>
    <message>
        <source>The median of three measurements.</source>
        <translation>三次测量的中位数。</translation>
    </message>
    <message>
        <source>An answer that is under way is not disturbed.</source>
        <translation>不会打断正在生成的回答。</translation>
    </message>
    <message>
        <source>Waiting for the answer that is under way…</source>
        <translation>正在等待当前回答结束…</translation>
    </message>
    <message>
        <source>Measuring the plan as it is…</source>
        <translation>正在测量当前方案…</translation>
    </message>
    <message>
        <source>{number} of {count}: {change}</source>
        <translation>第 {number} 项，共 {count} 项：{change}</translation>
    </message>
    <message>
        <source>The plan as it is</source>
        <translation>当前方案</translation>
    </message>
    <message>
        <source>KV cache of 16 bits</source>
        <translation>16 位 KV 缓存</translation>
    </message>
    <message>
        <source>KV cache of 8 bits</source>
        <translation>8 位 KV 缓存</translation>
    </message>
    <message>
        <source>Larger batches</source>
        <translation>更大的批次</translation>
    </message>
    <message>
        <source>Smaller batches</source>
        <translation>更小的批次</translation>
    </message>
    <message>
        <source>Pipelining the other way</source>
        <translation>切换流水线并行</translation>
    </message>
    <message>
        <source>One card alone</source>
        <translation>只用一张卡</translation>
    </message>
    <message>
        <source>More experts in RAM</source>
        <translation>更多专家放在内存</translation>
    </message>
    <message>
        <source>Fewer threads</source>
        <translation>更少的线程</translation>
    </message>
    <message>
        <source>Prompt, tokens/s</source>
        <translation>提示，词元/秒</translation>
    </message>
    <message>
        <source>Answer, tokens/s</source>
        <translation>回答，词元/秒</translation>
    </message>
    <message>
        <source>The same number of layers on each card</source>
        <translation>各显卡层数相同</translation>
    </message>
    <message>
        <source>{device}: {count} layers</source>
        <translation>{device}：{count} 层</translation>
    </message>
    <message>
        <source>all in RAM</source>
        <translation>全部在内存</translation>
    </message>
    <message>
        <source>experts of {count} layers in RAM</source>
        <translation>{count} 层的专家在内存</translation>
    </message>
    <message>
        <source>KV {kind}</source>
        <translation>KV {kind}</translation>
    </message>
    <message>
        <source>batch {batch}/{micro}</source>
        <translation>批次 {batch}/{micro}</translation>
    </message>
    <message>
        <source>{count} threads</source>
        <translation>{count} 线程</translation>
    </message>
    <message>
        <source>{plan} (fastest)</source>
        <translation>{plan}（最快）</translation>
    </message>
</context>
<context>
    <name>MessageDeeds</name>
    <message>
        <source>Wait until the answer is complete, or stop it first (Esc).</source>
        <translation>请等回答完成，或先停止它 (Esc)。</translation>
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
        <source>Waiting for {model}…{left}</source>
        <translation>正在等待 {model}…{left}</translation>
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
        <source>The model no longer sees what stands above</source>
        <translation>模型已看不到以上内容</translation>
    </message>
    <message>
        <source>{name} · {size}</source>
        <translation>{name} · {size}</translation>
    </message>
    <message>
        <source>about {count} tokens</source>
        <translation>约 {count} 个词元</translation>
    </message>
    <message>
        <source>Pinned: the model still sees this.</source>
        <translation>已固定：模型仍能看到。</translation>
    </message>
    <message>
        <source>the context is full</source>
        <translation>上下文已满</translation>
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
        <source>How it lies on this machine…</source>
        <translation>在本机上的分布…</translation>
    </message>
    <message>
        <source>Models…</source>
        <translation>模型…</translation>
    </message>
    <message>
        <source>Release the model (frees its memory)</source>
        <translation>释放模型（腾出内存）</translation>
    </message>
    <message>
        <source>{count} models</source>
        <translation>{count} 个模型</translation>
    </message>
    <message>
        <source>{model} on {server}</source>
        <translation>{server} 上的 {model}</translation>
    </message>
</context>
<context>
    <name>ModelDeeds</name>
    <message>
        <source>Looking at {name}…</source>
        <translation>正在检查 {name}…</translation>
    </message>
    <message>
        <source>The path is in the clipboard.</source>
        <translation>路径已复制到剪贴板。</translation>
    </message>
    <message>
        <source>Cancel the download of {name}?</source>
        <translation>要取消下载 {name} 吗？</translation>
    </message>
    <message>
        <source>{size} that were fetched already will be deleted. Pausing keeps them.</source>
        <translation>已下载的 {size} 将被删除。暂停则会保留。</translation>
    </message>
    <message>
        <source>Cancel and delete {size}</source>
        <translation>取消并删除 {size}</translation>
    </message>
    <message>
        <source>Keep the download</source>
        <translation>继续保留下载</translation>
    </message>
    <message>
        <source>{name} is ready to be used.</source>
        <translation>{name} 已可以使用。</translation>
    </message>
    <message>
        <source>{file} is not the published file.</source>
        <translation>{file} 与发布的文件不符。</translation>
    </message>
    <message>
        <source>{file} is whole and as it was published when it was fetched. Meanwhile another file was published under that name.</source>
        <translation>{file} 完整无误，与下载时发布的文件一致。此后该名称下发布了另一个文件。</translation>
    </message>
    <message>
        <source>{file} is the published file, bit for bit.</source>
        <translation>{file} 与发布的文件逐位一致。</translation>
    </message>
    <message>
        <source>{file} was read to its end. Nobody told what was published, so it can be compared with nothing.</source>
        <translation>{file} 已完整读取。没有发布方的校验信息，因此无从比对。</translation>
    </message>
    <message>
        <source>{path} is on the list, new models: {count}. The files stay where they are.</source>
        <translation>已将 {path} 加入列表，新增 {count} 个模型。文件仍在原处。</translation>
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
        <source>{name} is on the list already.</source>
        <translation>{name} 已在列表中。</translation>
    </message>
    <message>
        <source>{name} is in parts. Joining makes one file of them.</source>
        <translation>{name} 分为多个分卷，合并后成为一个文件。</translation>
    </message>
    <message>
        <source>{name} needs a repair before it can be used.</source>
        <translation>{name} 需要先修复才能使用。</translation>
    </message>
    <message>
        <source>{name} is off the list. The file stays where it is.</source>
        <translation>已将 {name} 移出列表，文件仍在原处。</translation>
    </message>
    <message>
        <source>{path} is off the list. The files stay where they are.</source>
        <translation>已将 {path} 移出列表，文件仍在原处。</translation>
    </message>
    <message>
        <source>This cannot be undone.</source>
        <translation>此操作无法撤销。</translation>
    </message>
    <message>
        <source>It is the model in use.</source>
        <translation>这是正在使用的模型。</translation>
    </message>
    <message>
        <source>To keep the file, remove it from the list instead.</source>
        <translation>如果想保留文件，请改为将其移出列表。</translation>
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
        <source>Keep the file</source>
        <translation>保留文件</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
</context>
<context>
    <name>ModelDetails</name>
    <message>
        <source>More about this model</source>
        <translation>此模型的更多操作</translation>
    </message>
    <message>
        <source>Details</source>
        <translation>详细信息</translation>
    </message>
    <message>
        <source>Where it lies on this machine…</source>
        <translation>在本机上的分布…</translation>
    </message>
    <message>
        <source>Facts about the model</source>
        <translation>模型信息</translation>
    </message>
    <message>
        <source>Progress</source>
        <translation>进度</translation>
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
</context>
<context>
    <name>ModelFits</name>
    <message>
        <source>Estimated from the header of another file here.</source>
        <translation>根据此处另一个文件的文件头估算。</translation>
    </message>
    <message>
        <source>Does not fit</source>
        <translation>放不下</translation>
    </message>
    <message>
        <source>Fits on your GPU</source>
        <translation>显卡放得下</translation>
    </message>
    <message>
        <source>Fits on your GPUs</source>
        <translation>几块显卡放得下</translation>
    </message>
    <message>
        <source>Partly in RAM, about {speed} tokens/s</source>
        <translation>部分在内存中，约 {speed} 词元/秒</translation>
    </message>
    <message>
        <source>In RAM, about {speed} tokens/s</source>
        <translation>在内存中，约 {speed} 词元/秒</translation>
    </message>
</context>
<context>
    <name>ModelsDialog</name>
    <message>
        <source>the model this program is made for</source>
        <translation>本程序专为此模型打造</translation>
    </message>
    <message>
        <source>Other models</source>
        <translation>其他模型</translation>
    </message>
    <message>
        <source>Models</source>
        <translation>模型</translation>
    </message>
    <message>
        <source>Any GGUF chat model works. Drop files or folders here; they stay where they are.</source>
        <translation>任何 GGUF 对话模型都可以使用。可将文件或文件夹拖放到这里，它们仍保留在原处。</translation>
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
        <source>Models on this machine, and those that can be fetched</source>
        <translation>这台电脑上的模型，以及可以下载的模型</translation>
    </message>
    <message>
        <source>Downloads</source>
        <translation>下载</translation>
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
    <name>NumberOrAutomatic</name>
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
    <name>PlanDialog</name>
    <message>
        <source>Looking at the devices…</source>
        <translation>正在检查设备…</translation>
    </message>
    <message>
        <source>Kept. The next message loads the model so.</source>
        <translation>已保存。下次发送消息时按此方案加载模型。</translation>
    </message>
    <message>
        <source>It can be measured once it is downloaded.</source>
        <translation>下载后才能测速。</translation>
    </message>
    <message>
        <source>These GPUs are pretended, so there is nothing to measure.</source>
        <translation>这些 GPU 是模拟的，没有可测的速度。</translation>
    </message>
    <message>
        <source>Its speed is being measured.</source>
        <translation>正在测速。</translation>
    </message>
    <message>
        <source>Where the model lies</source>
        <translation>模型的分布</translation>
    </message>
    <message>
        <source>How {name} lies on this machine</source>
        <translation>{name} 在这台电脑上的分布</translation>
    </message>
    <message>
        <source>Keep for this model</source>
        <translation>为此模型保存</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>PlanPanel</name>
    <message>
        <source>More…</source>
        <translation>更多…</translation>
    </message>
    <message>
        <source>What is better left to the program</source>
        <translation>最好交给程序决定的选项</translation>
    </message>
    <message>
        <source>Back to automatic</source>
        <translation>恢复自动</translation>
    </message>
    <message>
        <source>Let the program choose everything again</source>
        <translation>让程序重新决定一切</translation>
    </message>
    <message>
        <source>{count} layers</source>
        <translation>{count} 层</translation>
    </message>
    <message>
        <source>marked: experts in RAM</source>
        <translation>有标记的层：专家在内存中</translation>
    </message>
    <message>
        <source>Context</source>
        <translation>上下文</translation>
    </message>
    <message>
        <source>KV cache</source>
        <translation>KV 缓存</translation>
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
        <source>set by hand</source>
        <translation>手动设置</translation>
    </message>
</context>
<context>
    <name>PlanView</name>
    <message>
        <source>There is no graphics card that the engine can use: the processor does all of the work.</source>
        <translation>没有引擎可用的显卡：全部工作由处理器完成。</translation>
    </message>
    <message>
        <source>Plan of the model</source>
        <translation>模型的加载方案</translation>
    </message>
</context>
<context>
    <name>PresetWords</name>
    <message>
        <source>Mathematics</source>
        <translation>数学</translation>
    </message>
    <message>
        <source>You are a careful mathematician. Work step by step and justify every step. Write formulas in LaTeX, between $ signs in a line and between $$ signs on lines of their own. Check the result by another way where there is one, and give it at the end in \boxed{}. Say so where the problem is not clear or has no solution.</source>
        <translation>你是一位严谨的数学家。请逐步推导，并说明每一步的依据。公式用 LaTeX 书写：行内公式放在 $ 之间，独立成行的公式放在 $$ 之间。如有其他方法，请用它检验结果，最后把答案写在 \boxed{} 中。题意不清或无解时请直接说明。</translation>
    </message>
    <message>
        <source>Translation Chinese–English</source>
        <translation>中英翻译</translation>
    </message>
    <message>
        <source>You are a professional translator between Chinese and English. Translate Chinese into English and English into Simplified Chinese. Keep meaning, tone, names, numbers, formulas, code and Markdown as they are, and write what a native speaker would write. Give the translation alone. Add a note only where the original has two meanings.</source>
        <translation>你是一位专业的中英翻译。中文译成英文，英文译成简体中文。保持原文的含义、语气、人名、数字、公式、代码和 Markdown 格式不变，译文要像母语者写的一样自然。只给出译文；只有原文存在歧义时才加注说明。</translation>
    </message>
    <message>
        <source>Code</source>
        <translation>编程</translation>
    </message>
    <message>
        <source>You are an experienced programmer. Give complete code that runs, in fenced blocks that name the language. Prefer the standard library and simple constructions, handle errors, and invent no functions. Explain briefly what is not obvious, and ask where a requirement is missing.</source>
        <translation>你是一位经验丰富的程序员。请给出可以直接运行的完整代码，放在注明语言的代码块中。优先使用标准库和简单的写法，处理好错误，不要编造不存在的函数。对不易看懂之处作简短说明；需求不明确时请先提问。</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>写作</translation>
    </message>
    <message>
        <source>You are a good author and editor. Write in the language of the request, in clear, lively and natural prose, for the reader and the occasion that are named. Avoid clichés, empty phrases and needless lists. When you edit, keep the author&apos;s voice and say in one line what you changed.</source>
        <translation>你是一位优秀的作者和编辑。请用提问所用的语言，针对指定的读者和场合，写出清晰、生动、自然的文字。避免陈词滥调、空话和不必要的列表。修改他人文字时保留作者的风格，并用一句话说明改了什么。</translation>
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
        <source>What to do with presets</source>
        <translation>预设操作</translation>
    </message>
    <message>
        <source>Save as a new preset…</source>
        <translation>另存为新预设…</translation>
    </message>
    <message>
        <source>Rename “{name}”…</source>
        <translation>重命名“{name}”…</translation>
    </message>
    <message>
        <source>Reset “{name}”</source>
        <translation>恢复“{name}”原样</translation>
    </message>
    <message>
        <source>Delete “{name}”</source>
        <translation>删除“{name}”</translation>
    </message>
    <message>
        <source>Save in place of</source>
        <translation>覆盖已有预设</translation>
    </message>
    <message>
        <source>Save as a new preset</source>
        <translation>另存为新预设</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>Rename the preset</source>
        <translation>重命名预设</translation>
    </message>
    <message>
        <source>“{name}” is as it came.</source>
        <translation>“{name}”已恢复原样。</translation>
    </message>
    <message>
        <source>“{name}” is deleted.</source>
        <translation>已删除“{name}”。</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>撤销</translation>
    </message>
</context>
<context>
    <name>RecoveryDialog</name>
    <message>
        <source>Your conversations cannot be read</source>
        <translation>无法读取您的对话</translation>
    </message>
    <message>
        <source>The newest sound copy is of {time}. It can take the place of the damaged database, which is kept beside it under another name.</source>
        <translation>最新的完好备份制作于 {time}。可以用它替换损坏的数据库；损坏的文件会改名保留在旁边。</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出</translation>
    </message>
    <message>
        <source>Restore the copy of {time}</source>
        <translation>恢复 {time} 的备份</translation>
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
    <name>SamplingRows</name>
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
        <source>A fresh one each time</source>
        <translation>每次随机</translation>
    </message>
    <message>
        <source>Seed</source>
        <translation>随机种子</translation>
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
        <source>Top-p</source>
        <translation>Top-p</translation>
    </message>
    <message>
        <source>Among the most probable tokens that together reach this share; 1 keeps all.</source>
        <translation>只在累计概率达到此值的最可能词元中选择；1 表示全部保留。</translation>
    </message>
    <message>
        <source>Top-k</source>
        <translation>Top-k</translation>
    </message>
    <message>
        <source>Among this many of the most probable tokens; 0 keeps all.</source>
        <translation>只在概率最高的若干个词元中选择；0 表示全部保留。</translation>
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
        <source>In tokens; an English word is a little more than one.</source>
        <translation>以词元 (token) 计，一个汉字约为一个词元。</translation>
    </message>
    <message>
        <source>The same seed with the same settings gives the same answer again.</source>
        <translation>种子和设置都相同时，会得到同样的回答。</translation>
    </message>
</context>
<context>
    <name>ScopeChoice</name>
    <message>
        <source>This message</source>
        <translation>此条消息</translation>
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
        <source>The selected conversations ({count})</source>
        <translation>选中的对话（{count} 个）</translation>
    </message>
    <message>
        <source>All conversations ({count})</source>
        <translation>全部对话（{count} 个）</translation>
    </message>
</context>
<context>
    <name>ServerRow</name>
    <message>
        <source>Remove</source>
        <translation>移除</translation>
    </message>
    <message>
        <source>Remove {server}</source>
        <translation>移除 {server}</translation>
    </message>
    <message>
        <source>Models of {server}</source>
        <translation>{server} 的模型</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>使用</translation>
    </message>
    <message>
        <source>List its models anew</source>
        <translation>重新列出模型</translation>
    </message>
    <message>
        <source>Another key…</source>
        <translation>更换密钥…</translation>
    </message>
    <message>
        <source>Key, then Enter</source>
        <translation>输入密钥后按回车</translation>
    </message>
    <message>
        <source>New key of {server}</source>
        <translation>{server} 的新密钥</translation>
    </message>
</context>
<context>
    <name>ServerSettings</name>
    <message>
        <source>Asking {url}…</source>
        <translation>正在询问 {url}…</translation>
    </message>
    <message>
        <source>This system has no keyring: the key is kept until the program ends.</source>
        <translation>此系统没有密钥环：密钥只保留到程序结束。</translation>
    </message>
    <message>
        <source>{server} lists no model yet.</source>
        <translation>{server} 还没有列出任何模型。</translation>
    </message>
    <message>
        <source>{server} offers {models}.</source>
        <translation>{server} 提供 {models}。</translation>
    </message>
    <message>
        <source>Use {model}</source>
        <translation>使用 {model}</translation>
    </message>
    <message>
        <source>Add it all the same</source>
        <translation>仍然添加</translation>
    </message>
    <message>
        <source>{server} and its key are forgotten.</source>
        <translation>{server} 及其密钥已移除。</translation>
    </message>
    <message>
        <source>{model} on {server} answers from now on.</source>
        <translation>从现在起由 {server} 上的 {model} 回答。</translation>
    </message>
    <message>
        <source>Any server that speaks like OpenAI&apos;s: vLLM, llama-server, Ollama, LM Studio, or a hosted one. What you write is sent to the server that answers, and to no other.</source>
        <translation>任何兼容 OpenAI 接口的服务器：vLLM、llama-server、Ollama、LM Studio 或托管服务。你写的内容只会发送给负责回答的那台服务器。</translation>
    </message>
    <message>
        <source>Address</source>
        <translation>地址</translation>
    </message>
    <message>
        <source>Key</source>
        <translation>密钥</translation>
    </message>
    <message>
        <source>Name</source>
        <translation>名称</translation>
    </message>
    <message>
        <source>None, or what the server asks for</source>
        <translation>无，或服务器要求的密钥</translation>
    </message>
    <message>
        <source>As you like to call it</source>
        <translation>随你命名</translation>
    </message>
    <message>
        <source>Address of the server</source>
        <translation>服务器地址</translation>
    </message>
    <message>
        <source>Key of the server</source>
        <translation>服务器密钥</translation>
    </message>
    <message>
        <source>Name of the server</source>
        <translation>服务器名称</translation>
    </message>
    <message>
        <source>Add the server</source>
        <translation>添加服务器</translation>
    </message>
    <message>
        <source>This address is plain HTTP: on its way, whoever carries it can read what you write, and the key.</source>
        <translation>此地址使用未加密的 HTTP：传输途中的任何人都能看到你写的内容和密钥。</translation>
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
        <source>Downloads</source>
        <translation>下载</translation>
    </message>
    <message>
        <source>Data</source>
        <translation>数据</translation>
    </message>
    <message>
        <source>Sections</source>
        <translation>分区</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>ShapeChoice</name>
    <message>
        <source>Format</source>
        <translation>格式</translation>
    </message>
    <message>
        <source>With the model, settings and speed of each answer</source>
        <translation>附上每条回答的模型、设置和速度</translation>
    </message>
    <message>
        <source>Every branch, not only the one that is shown</source>
        <translation>包含所有分支，而不只是当前显示的分支</translation>
    </message>
    <message>
        <source>Answers that were stopped or interrupted, too</source>
        <translation>也包含被停止或中断的回答</translation>
    </message>
    <message>
        <source>Thoughts of the model</source>
        <translation>模型的思考过程</translation>
    </message>
    <message>
        <source>Shown</source>
        <translation>显示</translation>
    </message>
    <message>
        <source>Folded</source>
        <translation>折叠</translation>
    </message>
    <message>
        <source>Left out</source>
        <translation>不包含</translation>
    </message>
    <message>
        <source>With the messages that led to it.</source>
        <translation>会一并包含它之前的消息。</translation>
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
        <source>HTML page</source>
        <translation>HTML 网页</translation>
    </message>
    <message>
        <source>To read in any browser, with formulas and colours; loads nothing.</source>
        <translation>可在任何浏览器中阅读，保留公式和颜色，不加载任何外部内容。</translation>
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
        <source>JSON</source>
        <translation>JSON</translation>
    </message>
    <message>
        <source>Everything, with all branches; can be imported again.</source>
        <translation>完整内容，包括所有分支，可以重新导入。</translation>
    </message>
    <message>
        <source>Plain text</source>
        <translation>纯文本</translation>
    </message>
    <message>
        <source>Questions and answers without any marks.</source>
        <translation>只有问题和回答，不带任何标记。</translation>
    </message>
    <message>
        <source>JSON Lines</source>
        <translation>JSON Lines</translation>
    </message>
    <message>
        <source>One conversation on each line, to train or test models with.</source>
        <translation>每行一个对话，用于训练或测试模型。</translation>
    </message>
</context>
<context>
    <name>ShelfHeading</name>
    <message>
        <source>Bin</source>
        <translation>回收站</translation>
    </message>
    <message>
        <source>Archive</source>
        <translation>归档</translation>
    </message>
    <message>
        <source>Back to the conversations (Esc)</source>
        <translation>返回对话列表（Esc）</translation>
    </message>
    <message>
        <source>Back to the conversations</source>
        <translation>返回对话列表</translation>
    </message>
    <message>
        <source>Empty the bin</source>
        <translation>清空回收站</translation>
    </message>
    <message>
        <source>What lies here is removed for good after {days} days.</source>
        <translation>这里的内容会在 {days} 天后彻底删除。</translation>
    </message>
</context>
<context>
    <name>ShelfLinks</name>
    <message>
        <source>Archive · {count}</source>
        <translation>归档 · {count}</translation>
    </message>
    <message>
        <source>Bin · {count}</source>
        <translation>回收站 · {count}</translation>
    </message>
    <message>
        <source>Archive, {count} conversations</source>
        <translation>归档，{count} 个对话</translation>
    </message>
    <message>
        <source>Bin, {count} conversations</source>
        <translation>回收站，{count} 个对话</translation>
    </message>
</context>
<context>
    <name>ShortcutWords</name>
    <message>
        <source>Conversations</source>
        <translation>对话列表</translation>
    </message>
    <message>
        <source>Writing</source>
        <translation>输入</translation>
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
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Temporary chat, never stored</source>
        <translation>临时对话（不保存）</translation>
    </message>
    <message>
        <source>Settings of this conversation</source>
        <translation>此对话的设置</translation>
    </message>
    <message>
        <source>Search all conversations</source>
        <translation>搜索所有对话</translation>
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
        <source>Rename the chosen conversation</source>
        <translation>重命名选中的对话</translation>
    </message>
    <message>
        <source>Delete the chosen conversation</source>
        <translation>删除选中的对话</translation>
    </message>
    <message>
        <source>Export</source>
        <translation>导出</translation>
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
        <source>Attach text files</source>
        <translation>添加文本附件</translation>
    </message>
    <message>
        <source>Edit the last question, where the field is empty</source>
        <translation>编辑上一个问题（输入框为空时）</translation>
    </message>
    <message>
        <source>Stop the answer, or leave what one is doing</source>
        <translation>停止回答，或退出当前操作</translation>
    </message>
    <message>
        <source>Answer the last question again</source>
        <translation>重新回答上一个问题</translation>
    </message>
    <message>
        <source>Continue the last answer</source>
        <translation>继续上一个回答</translation>
    </message>
    <message>
        <source>Edit the last question</source>
        <translation>编辑上一个问题</translation>
    </message>
    <message>
        <source>Copy the last answer</source>
        <translation>复制上一个回答</translation>
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
        <source>What made the last answer</source>
        <translation>最后一个回答是如何生成的</translation>
    </message>
    <message>
        <source>Find in this conversation</source>
        <translation>在此对话中查找</translation>
    </message>
    <message>
        <source>Next hit</source>
        <translation>下一处</translation>
    </message>
    <message>
        <source>Previous hit</source>
        <translation>上一处</translation>
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
        <source>To the next button or link of the message</source>
        <translation>到这条消息的下一个按钮或链接</translation>
    </message>
    <message>
        <source>Press it</source>
        <translation>按下它</translation>
    </message>
    <message>
        <source>Menu of the message</source>
        <translation>消息的菜单</translation>
    </message>
    <message>
        <source>Larger text</source>
        <translation>放大文字</translation>
    </message>
    <message>
        <source>Smaller text</source>
        <translation>缩小文字</translation>
    </message>
    <message>
        <source>Text in its usual size</source>
        <translation>恢复文字大小</translation>
    </message>
    <message>
        <source>Select everything</source>
        <translation>全选</translation>
    </message>
    <message>
        <source>Select with the keyboard</source>
        <translation>用键盘选择文字</translation>
    </message>
    <message>
        <source>Show a caret that moves with the arrows</source>
        <translation>显示可用方向键移动的光标</translation>
    </message>
    <message>
        <source>Copy what is selected</source>
        <translation>复制选中内容</translation>
    </message>
    <message>
        <source>Copy what is selected as Markdown</source>
        <translation>将所选内容复制为 Markdown</translation>
    </message>
    <message>
        <source>To the beginning</source>
        <translation>到开头</translation>
    </message>
    <message>
        <source>To the end, and follow the answer</source>
        <translation>到末尾并跟随回答</translation>
    </message>
    <message>
        <source>Show or hide the conversations</source>
        <translation>显示或隐藏对话列表</translation>
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
        <source>Check this machine</source>
        <translation>检查这台电脑</translation>
    </message>
    <message>
        <source>This list</source>
        <translation>本列表</translation>
    </message>
    <message>
        <source>Quit</source>
        <translation>退出程序</translation>
    </message>
</context>
<context>
    <name>ShortcutsDialog</name>
    <message>
        <source>Keyboard shortcuts</source>
        <translation>键盘快捷键</translation>
    </message>
    <message>
        <source>{one} or {other}</source>
        <translation>{one} 或 {other}</translation>
    </message>
    <message>
        <source>Close</source>
        <translation>关闭</translation>
    </message>
</context>
<context>
    <name>Sidebar</name>
    <message>
        <source>Your conversations will be listed here.</source>
        <translation>您的对话会列在这里。</translation>
    </message>
    <message>
        <source>Search</source>
        <translation>搜索</translation>
    </message>
    <message>
        <source>Nothing found for &quot;{text}&quot;. Try another word, or only a part of it.</source>
        <translation>没有找到“{text}”。换个词，或只输入其中一部分试试。</translation>
    </message>
    <message>
        <source>The archive is empty. What you archive leaves the list and can still be found.</source>
        <translation>归档是空的。归档后的对话会离开列表，但仍可搜索到。</translation>
    </message>
    <message>
        <source>The bin is empty. What you delete is kept here for {days} days.</source>
        <translation>回收站是空的。删除的对话会在这里保留 {days} 天。</translation>
    </message>
    <message>
        <source>Search titles, messages and attachments (Ctrl+Shift+F)</source>
        <translation>搜索标题、消息和附件（Ctrl+Shift+F）</translation>
    </message>
    <message>
        <source>Search titles, messages and attachments</source>
        <translation>搜索标题、消息和附件</translation>
    </message>
    <message>
        <source>Empty the search field</source>
        <translation>清空搜索框</translation>
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
    <name>TemporaryGuard</name>
    <message>
        <source>Temporary chat</source>
        <translation>临时对话</translation>
    </message>
    <message>
        <source>Keep this temporary chat?</source>
        <translation>要保存这个临时对话吗？</translation>
    </message>
    <message>
        <source>It is not stored. When you leave it, it is gone for good.</source>
        <translation>它没有保存。离开后将永远消失。</translation>
    </message>
    <message>
        <source>Keep</source>
        <translation>保存</translation>
    </message>
    <message>
        <source>Discard</source>
        <translation>丢弃</translation>
    </message>
    <message>
        <source>Stay here</source>
        <translation>留在这里</translation>
    </message>
</context>
<context>
    <name>TranscriptWords</name>
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
        <source>Open link…</source>
        <translation>打开链接…</translation>
    </message>
    <message>
        <source>Copy as Markdown</source>
        <translation>复制为 Markdown</translation>
    </message>
    <message>
        <source>Copy message as text</source>
        <translation>将整条消息复制为文本</translation>
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
        <source>New conversation</source>
        <translation>新对话</translation>
    </message>
    <message>
        <source>Leave out the oldest turns</source>
        <translation>略去最早的轮次</translation>
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
        <source>New conversation from here</source>
        <translation>从这里开始新对话</translation>
    </message>
    <message>
        <source>What made this answer…</source>
        <translation>这个回答是怎样生成的…</translation>
    </message>
    <message>
        <source>Export this message…</source>
        <translation>导出此消息…</translation>
    </message>
    <message>
        <source>Pin: the model always sees it</source>
        <translation>固定：模型始终能看到</translation>
    </message>
    <message>
        <source>Take the pin out</source>
        <translation>取消固定</translation>
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
        <source>More</source>
        <translation>更多</translation>
    </message>
    <message>
        <source>Version {place} of {count}</source>
        <translation>第 {place} 个版本，共 {count} 个</translation>
    </message>
    <message>
        <source>Thinking…</source>
        <translation>思考中…</translation>
    </message>
    <message>
        <source>Thoughts</source>
        <translation>思考过程</translation>
    </message>
    <message>
        <source>Thinking… {time}</source>
        <translation>思考中… {time}</translation>
    </message>
    <message>
        <source>Thought for {time}</source>
        <translation>思考了 {time}</translation>
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
        <source>Show</source>
        <translation>展开</translation>
    </message>
    <message>
        <source>Hide</source>
        <translation>收起</translation>
    </message>
    <message>
        <source>Attachment: {name}</source>
        <translation>附件：{name}</translation>
    </message>
    <message>
        <source>Pinned</source>
        <translation>已固定</translation>
    </message>
    <message>
        <source>Shown in part. Copying the message gives everything.</source>
        <translation>只显示了一部分。复制整条消息可得到全部内容。</translation>
    </message>
    <message>
        <source>Jump to the newest message</source>
        <translation>跳到最新消息</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
    <message>
        <source>You</source>
        <translation>你</translation>
    </message>
    <message>
        <source>Answer</source>
        <translation>回答</translation>
    </message>
</context>
<context>
    <name>Welcome</name>
    <message>
        <source>See the models…</source>
        <translation>查看模型…</translation>
    </message>
    <message>
        <source>Use the starter model</source>
        <translation>使用入门模型</translation>
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
        <source>Nothing of it is stored, listed or searched. It is gone when you leave it or close the window; you can still keep or export it before.</source>
        <translation>对话不会保存，不会列出，也搜索不到。离开或关闭窗口后即消失；在此之前仍可保存或导出。</translation>
    </message>
    <message>
        <source>{model} answers from its server, to which your questions are sent.</source>
        <translation>由服务器上的 {model} 回答，您的问题会发送到该服务器。</translation>
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
        <source>Use a server…</source>
        <translation>使用服务器…</translation>
    </message>
    <message>
        <source>Check this machine…</source>
        <translation>检查这台电脑…</translation>
    </message>
    <message>
        <source>Chat with a model on your own computer</source>
        <translation>在自己的电脑上与模型对话</translation>
    </message>
    <message>
        <source>APUS-xDAN-4.0-MoE is the model this program is made for. A very small starter model is here already, good for a first try; any GGUF chat model that you have works as well.</source>
        <translation>本程序专为 APUS-xDAN-4.0-MoE 打造。这里已经带有一个很小的入门模型，可以先试一试；您已有的任何 GGUF 对话模型也都能用。</translation>
    </message>
    <message>
        <source>APUS-xDAN-4.0-MoE is the model this program is made for: the list of models shows what of it this computer can hold, and fetches it. A very small starter model is here already, good for a first try. Any GGUF chat model that you have works as well.</source>
        <translation>本程序专为 APUS-xDAN-4.0-MoE 打造：模型列表会显示这台电脑能容纳它的哪些版本，并可直接下载。这里已有一个很小的入门模型，适合初次体验。您已有的任何 GGUF 对话模型也都可以使用。</translation>
    </message>
    <message>
        <source>APUS-xDAN-4.0-MoE is the model this program is made for: the list of models shows what of it this computer can hold, and fetches it. Any GGUF chat model that you have works as well.</source>
        <translation>本程序专为 APUS-xDAN-4.0-MoE 打造：模型列表会显示这台电脑能容纳它的哪些版本，并可直接下载。您已有的任何 GGUF 对话模型也都可以使用。</translation>
    </message>
</context>
<context>
    <name>Workspace</name>
    <message>
        <source>Repair…</source>
        <translation>修复…</translation>
    </message>
    <message>
        <source>{name} is whole and verified.</source>
        <translation>{name} 完整无误，已通过校验。</translation>
    </message>
    <message>
        <source>Use it</source>
        <translation>立即使用</translation>
    </message>
    <message>
        <source>Conversation</source>
        <translation>对话</translation>
    </message>
</context>
<context>
    <name>WorkspaceDialogs</name>
    <message>
        <source>Open this address in your browser?</source>
        <translation>要在浏览器中打开这个地址吗？</translation>
    </message>
</context>
<context>
    <name>_Row</name>
    <message>
        <source>{plan}: prompt {prompt}, answer {answer}</source>
        <translation>{plan}：提示 {prompt}，回答 {answer}</translation>
    </message>
</context>
<context>
    <name>doctor</name>
    <message>
        <source>{count} s</source>
        <translation>{count} 秒</translation>
    </message>
    <message>
        <source>{count} min</source>
        <translation>{count} 分钟</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>程序</translation>
    </message>
    <message>
        <source>Memory</source>
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
        <source>Engine and graphics cards</source>
        <translation>引擎与显卡</translation>
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
        <source>System</source>
        <translation>跟随系统</translation>
    </message>
    <message>
        <source>Processor</source>
        <translation>处理器</translation>
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
        <source>Copies</source>
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
        <source>Reading speed</source>
        <translation>读取速度</translation>
    </message>
    <message>
        <source>Engine</source>
        <translation>引擎</translation>
    </message>
    <message>
        <source>Added engine</source>
        <translation>外加引擎</translation>
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
        <source>Card</source>
        <translation>显卡</translation>
    </message>
    <message>
        <source>RPC server</source>
        <translation>RPC 服务器</translation>
    </message>
    <message>
        <source>Graphics cards</source>
        <translation>显卡</translation>
    </message>
    <message>
        <source>Hub</source>
        <translation>站点</translation>
    </message>
    <message>
        <source>Server</source>
        <translation>服务器</translation>
    </message>
    <message>
        <source>Not looked at</source>
        <translation>未能检查</translation>
    </message>
    <message>
        <source>This could not be looked at ({detail}). The log tells more.</source>
        <translation>这一项未能检查（{detail}）。日志里有更多说明。</translation>
    </message>
    <message>
        <source>APUS Chat {version}, Python {python}</source>
        <translation>APUS Chat {version}，Python {python}</translation>
    </message>
    <message>
        <source>APUS Chat {version}, bundled with Python {python}</source>
        <translation>APUS Chat {version}，内附 Python {python}</translation>
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
        <source>Set the program up once more; that brings it.</source>
        <translation>重新运行一次安装即可补上。</translation>
    </message>
    <message>
        <source>The system&apos;s keyring keeps tokens and keys.</source>
        <translation>令牌和密钥保存在系统的密钥环里。</translation>
    </message>
    <message>
        <source>The system&apos;s keyring does not answer; it may be locked.</source>
        <translation>系统的密钥环没有回应，可能已锁定。</translation>
    </message>
    <message>
        <source>Unlock it, or look for a window that asks for its password.</source>
        <translation>请将其解锁，或查看是否有窗口在询问密码。</translation>
    </message>
    <message>
        <source>No keyring: tokens and keys are kept until the program closes, and typed again then.</source>
        <translation>没有密钥环：令牌和密钥只保留到程序关闭，之后需要重新输入。</translation>
    </message>
    <message>
        <source>On Linux, install GNOME Keyring or KWallet and log in to the desktop again.</source>
        <translation>在 Linux 上，请安装 GNOME Keyring 或 KWallet，然后重新登录桌面。</translation>
    </message>
    <message>
        <source>Chinese is drawn with {name}.</source>
        <translation>中文用 {name} 显示。</translation>
    </message>
    <message>
        <source>No font on this machine has Chinese characters.</source>
        <translation>这台电脑上没有中文字体。</translation>
    </message>
    <message>
        <source>Install Noto Sans CJK SC, then start the program again.</source>
        <translation>请安装 Noto Sans CJK SC，然后重新启动程序。</translation>
    </message>
    <message>
        <source>Not looked at from a terminal; the page in the window does.</source>
        <translation>在终端里不检查；窗口里的检查页会检查。</translation>
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
        <source>For the window, start it from a desktop session.</source>
        <translation>要使用窗口，请在桌面会话中启动。</translation>
    </message>
    <message>
        <source>PySide6 {version}</source>
        <translation>PySide6 {version}</translation>
    </message>
    <message>
        <source>PySide6 {version} on {platform}, scaled {scale} times</source>
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
        <source>Close programs that you do not need now: answers slow down else.</source>
        <translation>请关闭暂时不用的程序，否则回答会变慢。</translation>
    </message>
    <message>
        <source>There is none yet; the first conversation makes it.</source>
        <translation>还没有数据库；第一次对话时会创建。</translation>
    </message>
    <message>
        <source>Whole, {size_bytes}</source>
        <translation>完好，{size_bytes}</translation>
    </message>
    <message>
        <source>{path} is damaged ({detail}).</source>
        <translation>{path} 已损坏（{detail}）。</translation>
    </message>
    <message>
        <source>Close the program and start it again: it offers the newest whole copy.</source>
        <translation>请关闭程序再启动：它会提供最新的完好备份。</translation>
    </message>
    <message>
        <source>{count}, the newest of {time} ({size_bytes})</source>
        <translation>{count} 份，最新的一份是 {time}（{size_bytes}）</translation>
    </message>
    <message>
        <source>None yet; one is made by itself every day.</source>
        <translation>还没有；每天会自动备份一次。</translation>
    </message>
    <message>
        <source>{path}, {free_bytes} free</source>
        <translation>{path}，剩余 {free_bytes}</translation>
    </message>
    <message>
        <source>It cannot be written. Change its permissions, or choose another folder.</source>
        <translation>无法写入。请修改权限，或选择另一个文件夹。</translation>
    </message>
    <message>
        <source>Free some space before you download anything.</source>
        <translation>下载之前请先腾出一些空间。</translation>
    </message>
    <message>
        <source>{speed_bytes} per second: loading {name} ({size_bytes}) takes about {duration_s}</source>
        <translation>每秒 {speed_bytes}：加载 {name}（{size_bytes}）约需 {duration_s}</translation>
    </message>
    <message>
        <source>{speed_bytes} per second, perhaps from memory: loading {name} ({size_bytes}) takes about {duration_s} or more</source>
        <translation>每秒 {speed_bytes}（可能来自内存缓存）：加载 {name}（{size_bytes}）约需 {duration_s} 或更久</translation>
    </message>
    <message>
        <source>Not measured: there is too little free space.</source>
        <translation>未测量：剩余空间太少。</translation>
    </message>
    <message>
        <source>It could not be measured ({detail}).</source>
        <translation>无法测量（{detail}）。</translation>
    </message>
    <message>
        <source>Keep models on a faster disk: Settings, Downloads, where they are kept.</source>
        <translation>请把模型放到更快的磁盘上：在“设置”的“下载”中更改存放位置。</translation>
    </message>
    <message>
        <source>{engine} starts, built for {backends}</source>
        <translation>{engine} 可以启动，支持 {backends}</translation>
    </message>
    <message>
        <source>Build the engine anew.</source>
        <translation>请重新构建引擎。</translation>
    </message>
    <message>
        <source>Install the program again.</source>
        <translation>请重新安装程序。</translation>
    </message>
    <message>
        <source>Models lie on {names}; what has no room there is in RAM.</source>
        <translation>模型放在 {names} 上；放不下的部分放在内存里。</translation>
    </message>
    <message>
        <source>No graphics card: the processor computes everything.</source>
        <translation>没有可用的显卡：全部由处理器计算。</translation>
    </message>
    <message>
        <source>GPUs are pretended (APUS_CHAT_GPUS is set).</source>
        <translation>显卡是假设的（设置了 APUS_CHAT_GPUS）。</translation>
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
        <source>{description}, {backend}, left out in the settings</source>
        <translation>{description}，{backend}，已在设置中停用</translation>
    </message>
    <message>
        <source>driver {driver}, nobody else holds its memory</source>
        <translation>驱动 {driver}，没有其他程序占用显存</translation>
    </message>
    <message>
        <source>driver {driver}, held by {holders}</source>
        <translation>驱动 {driver}，显存被占用：{holders}</translation>
    </message>
    <message>
        <source>Close what you do not need of these; a model gets the room.</source>
        <translation>请关闭其中不需要的程序，把空间留给模型。</translation>
    </message>
    <message>
        <source>You have {gpus}, which this build of the engine cannot use.</source>
        <translation>您有 {gpus}，但这一版引擎无法使用。</translation>
    </message>
    <message>
        <source>Build the engine for it, then start the program again.</source>
        <translation>请为它构建引擎，然后重新启动程序。</translation>
    </message>
    <message>
        <source>Install the bundle for {backend}, or put its engine folder beside this program and start it again.</source>
        <translation>请安装 {backend} 版的程序包，或把它的引擎文件夹放在本程序旁边，然后重新启动。</translation>
    </message>
    <message>
        <source>{backend}, from {path}</source>
        <translation>{backend}，来自 {path}</translation>
    </message>
    <message>
        <source>{path} is for version {version} of the engine and is not used; this program has {expected}.</source>
        <translation>{path} 是为 {version} 版引擎准备的，未被使用；本程序的引擎是 {expected} 版。</translation>
    </message>
    <message>
        <source>Take the engine folder of the same release, or remove this one.</source>
        <translation>请换成同一版本的引擎文件夹，或删除它。</translation>
    </message>
    <message>
        <source>answers in {milliseconds} ms</source>
        <translation>{milliseconds} 毫秒内有回应</translation>
    </message>
    <message>
        <source>does not answer within {seconds} s</source>
        <translation>{seconds} 秒内没有回应</translation>
    </message>
    <message>
        <source>Check the connection and the proxy, or choose another hub in the settings under Downloads.</source>
        <translation>请检查网络连接和代理，或在“设置”的“下载”中换一个站点。</translation>
    </message>
    <message>
        <source>Check that it runs and that its address in the settings is right.</source>
        <translation>请确认它在运行，并且设置里的地址正确。</translation>
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
        <source>{path} was made before April 2024 and keeps each expert in a tensor of its own, which no current engine loads. Repair it, in the models dialog or with apus-chat models repair: none of its values changes.</source>
        <translation>{path} 制作于 2024 年 4 月之前，每个专家各占一个张量，目前的引擎都无法加载。请在模型对话框中或使用 apus-chat models repair 修复它，其中的数值都不会改变。</translation>
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
        <source>An answer is being written there now. Stop it, or wait until it is done, and try again.</source>
        <translation>那里正在生成回答。请停止它或等它完成，然后重试。</translation>
    </message>
    <message>
        <source>It is damaged or of another kind ({detail}), and was left out.</source>
        <translation>它已损坏或类型不符（{detail}），未导入。</translation>
    </message>
    <message>
        <source>It holds a message that belongs to another conversation here, and was left out.</source>
        <translation>其中有一条消息属于这里的另一个对话，因此未导入。</translation>
    </message>
    <message>
        <source>{path} is damaged or no copy of a database of APUS Chat ({detail}). Nothing was changed; choose another copy.</source>
        <translation>{path} 已损坏，或不是 APUS Chat 的数据库备份（{detail}）。未做任何更改；请选择另一份备份。</translation>
    </message>
    <message>
        <source>The copy {path} was made by a newer version of APUS Chat. Update this one, then restore it; nothing was changed.</source>
        <translation>备份 {path} 由更新版本的 APUS Chat 制作。请先更新本程序再恢复；未做任何更改。</translation>
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
        <source>The file {path} cannot be read ({detail}). Check its permissions.</source>
        <translation>无法读取文件 {path}（{detail}）。请检查它的权限。</translation>
    </message>
    <message>
        <source>There is no export format {format}. Choose among {known}.</source>
        <translation>没有名为 {format} 的导出格式。请从 {known} 中选择。</translation>
    </message>
    <message>
        <source>The PDF is written, but no font of this machine has some of its Chinese characters ({characters}). Install Noto Sans CJK SC (package fonts-noto-cjk) and export again.</source>
        <translation>PDF 已写好，但这台电脑的字体缺少其中一些汉字（{characters}）。请安装 Noto Sans CJK SC 字体（软件包 fonts-noto-cjk），然后重新导出。</translation>
    </message>
    <message>
        <source>The PDF is written, but no font of this machine has some of its characters ({characters}). Install a font for them and export again, or export as HTML.</source>
        <translation>PDF 已写好，但这台电脑的字体缺少其中一些字符（{characters}）。请安装相应的字体后重新导出，或导出为 HTML。</translation>
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
        <source>looking for devices</source>
        <translation>查找设备</translation>
    </message>
    <message>
        <source>rehearsing the load</source>
        <translation>预演加载</translation>
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
        <source>measuring its speed</source>
        <translation>测试速度</translation>
    </message>
    <message>
        <source>exit code {code}</source>
        <translation>退出代码 {code}</translation>
    </message>
    <message>
        <source>{host} cannot be reached ({detail}). Check the network and the proxy, or choose another mirror.</source>
        <translation>无法连接 {host}（{detail}）。请检查网络和代理，或选择其他镜像。</translation>
    </message>
    <message>
        <source>The drive does not take a file as large as {path}; drives formatted with FAT32 end at 4 GiB. Choose a folder on another drive.</source>
        <translation>此驱动器无法存放像 {path} 这样大的文件；FAT32 格式的驱动器最大只支持 4 GiB。请选择其他驱动器上的文件夹。</translation>
    </message>
    <message>
        <source>There is already a file {path}. Choose another name, or move that file away first.</source>
        <translation>文件 {path} 已存在。请换一个名称，或先移走该文件。</translation>
    </message>
    <message>
        <source>The chat template of this model did not come to an end within {seconds} s and {limit_bytes} of memory. Choose another model file.</source>
        <translation>该模型的对话模板未能在 {seconds} 秒和 {limit_bytes} 内存的限制内执行完毕。请选择其他模型文件。</translation>
    </message>
    <message>
        <source>{path} says {key} = {value}, which no model has and the engine cannot take. The file is damaged or made to do harm: choose another one.</source>
        <translation>{path} 中 {key} = {value}，没有模型会使用这样的值，引擎也无法接受。文件已损坏，或含有恶意内容，请选择其他文件。</translation>
    </message>
    <message>
        <source>{path} holds a web page and no model: a sign-in page or an error was saved in its place. Delete it and download the model again.</source>
        <translation>{path} 是网页而不是模型：保存下来的是登录页面或错误页面。请删除它，并重新下载模型。</translation>
    </message>
    <message>
        <source>{path} is only a Git LFS pointer, a note of some hundred bytes in place of the model. Run git lfs pull in its folder, or download the model again.</source>
        <translation>{path} 只是一个 Git LFS 指针，即代替模型的一百多字节的说明文件。请在其所在文件夹中运行 git lfs pull，或重新下载模型。</translation>
    </message>
    <message>
        <source>What answered for {host} is no hub ({detail}). If this network wants a log-in, open any web page in a browser first; otherwise check the address of the mirror.</source>
        <translation>代替 {host} 作出响应的不是模型仓库站（{detail}）。如果此网络需要登录，请先在浏览器中打开任意网页；否则请检查镜像地址。</translation>
    </message>
    <message>
        <source>{host} takes no more questions for the moment. Wait some minutes, or choose another mirror.</source>
        <translation>{host} 暂时不再接受查询。请等待几分钟，或选择其他镜像。</translation>
    </message>
    <message>
        <source>{host} has trouble of its own (status {status}). Try again later, or choose another mirror.</source>
        <translation>{host} 自身出现故障（状态码 {status}）。请稍后重试，或选择其他镜像。</translation>
    </message>
    <message>
        <source>{id} names no model on a hub. Write OWNER/REPO:FILE, or one of the names of the catalogue (apus:Q2_K).</source>
        <translation>{id} 不是模型仓库站上的模型。请使用 OWNER/REPO:FILE 的形式，或内置模型清单中的名称（apus:Q2_K）。</translation>
    </message>
    <message>
        <source>Several models in {repository} could be meant. Write which one: {known}.</source>
        <translation>{repository} 中有多个模型符合。请写明是哪一个：{known}。</translation>
    </message>
    <message>
        <source>{name} is not complete in {repository}: {missing} is not there. Choose another quantisation or another repository.</source>
        <translation>{repository} 中的 {name} 不完整，缺少 {missing}。请选择其他量化版本或其他仓库。</translation>
    </message>
    <message>
        <source>The parts of {name} in {repository} are numbered in several ways, so that nobody can tell their order. Choose another quantisation or another repository.</source>
        <translation>{repository} 中 {name} 的分卷编号方式不一致，无法确定顺序。请选择其他量化版本或其他仓库。</translation>
    </message>
    <message>
        <source>{name} in {repository} is no longer the file that this program knows, says {host}. Choose another mirror, or download another model.</source>
        <translation>{host} 表示，{repository} 中的 {name} 已不是本程序所知的文件。请选择其他镜像，或下载其他模型。</translation>
    </message>
    <message>
        <source>The system&apos;s keyring did not give up the saved entry ({detail}). Unlock the keyring and try again, or delete the entry {service} there by hand.</source>
        <translation>系统密钥环没有给出已保存的条目（{detail}）。请解锁密钥环后重试，或在其中手动删除条目 {service}。</translation>
    </message>
    <message>
        <source>{id} is not on this machine yet. Download it first: in the models dialog, or with apus-chat models download.</source>
        <translation>这台电脑上还没有 {id}。请先在模型对话框中或使用 apus-chat models download 下载。</translation>
    </message>
    <message>
        <source>{id} is listed because it lies in the folder {folder}. Delete the file, or take the folder off the list.</source>
        <translation>{id} 位于文件夹 {folder} 中，因此显示在列表里。请删除该文件，或将该文件夹移出列表。</translation>
    </message>
    <message>
        <source>{path} is a download that was not finished. Let the program that began it finish it first.</source>
        <translation>{path} 是未完成的下载。请先让开始下载它的程序完成下载。</translation>
    </message>
    <message>
        <source>{path} was set aside because it is not the published file. Mend it in the models dialog, or download it again.</source>
        <translation>{path} 与发布的文件不符，已被隔离。请在模型对话框中修补它，或重新下载。</translation>
    </message>
    <message>
        <source>{path} is not in quarantine. Choose a file whose name ends in .gguf.bad.</source>
        <translation>{path} 不在隔离状态。请选择名称以 .gguf.bad 结尾的文件。</translation>
    </message>
    <message>
        <source>{path} is a link into the folder of another program. Let that program deal with the file.</source>
        <translation>{path} 是指向另一个程序文件夹的链接。请用那个程序处理该文件。</translation>
    </message>
    <message>
        <source>{path} belongs to the program that fills {folder}. Delete it there, or take the folder off the list.</source>
        <translation>{path} 属于管理 {folder} 的程序。请在那个程序中删除它，或将该文件夹移出列表。</translation>
    </message>
    <message>
        <source>{path} cannot be deleted ({detail}). Close what has it open, and try again.</source>
        <translation>无法删除 {path}（{detail}）。请关闭正在使用它的程序后重试。</translation>
    </message>
    <message>
        <source>There is no folder {path}. Plug in its drive, or choose another folder.</source>
        <translation>文件夹 {path} 不存在。请连接它所在的驱动器，或选择其他文件夹。</translation>
    </message>
    <message>
        <source>There is no model file in {path}. Choose a folder with files that end in .gguf.</source>
        <translation>{path} 中没有模型文件。请选择含有 .gguf 文件的文件夹。</translation>
    </message>
    <message>
        <source>One of the folders {path} and {other} lies in the other. Choose a folder that is apart from it.</source>
        <translation>文件夹 {path} 和 {other} 中，一个位于另一个之内。请选择与其互不包含的文件夹。</translation>
    </message>
    <message>
        <source>The models folder is being moved by another window or process. Wait until that is done.</source>
        <translation>另一个窗口或进程正在移动模型文件夹。请等它完成。</translation>
    </message>
    <message>
        <source>The move of the models from {path} to {target} is not finished. Finish or abandon it first.</source>
        <translation>模型从 {path} 到 {target} 的移动尚未完成。请先完成或放弃这次移动。</translation>
    </message>
    <message>
        <source>{path} is being downloaded, repaired or joined. Pause that or let it finish, then move the models folder.</source>
        <translation>{path} 正在下载、修复或合并。请暂停或等它完成，然后再移动模型文件夹。</translation>
    </message>
    <message>
        <source>Everything was moved, but {path} in the old folder cannot be deleted ({detail}). Close what has it open, and move once more to the same folder.</source>
        <translation>已全部移动，但无法删除旧文件夹中的 {path}（{detail}）。请关闭正在使用它的程序，然后再次移动到同一个文件夹。</translation>
    </message>
    <message>
        <source>The disk gave back something else than was written to {path}. Nothing was moved; check the disk, or choose another.</source>
        <translation>从磁盘读回的内容与写入 {path} 的内容不一致。没有移动任何文件；请检查磁盘，或选择其他磁盘。</translation>
    </message>
    <message>
        <source>Magnet links need libtorrent, which is not installed. Run {command} in a terminal and try again.</source>
        <translation>磁力链接需要 libtorrent，但尚未安装。请在终端中运行 {command}，然后重试。</translation>
    </message>
    <message>
        <source>The magnet link cannot be understood ({detail}). Copy the whole link again, from magnet: to its end.</source>
        <translation>无法识别磁力链接（{detail}）。请重新复制完整的链接，从 magnet: 直到末尾。</translation>
    </message>
    <message>
        <source>What the magnet link offers ({name}) holds no GGUF model. Look for another link.</source>
        <translation>磁力链接提供的内容（{name}）中没有 GGUF 模型。请查找其他链接。</translation>
    </message>
    <message>
        <source>The magnet link offers several models. Add &amp; and one of these to its end to say which: {known}.</source>
        <translation>磁力链接提供了多个模型。请在链接末尾加上 &amp; 和以下之一来指定：{known}。</translation>
    </message>
    <message>
        <source>Nobody who has the rest of the files can be reached at the moment ({peers} connected). Leave it running, or download the model from a hub.</source>
        <translation>目前无法连接到拥有其余文件的用户（已连接 {peers} 个）。请让它继续运行，或从模型仓库站下载该模型。</translation>
    </message>
    <message>
        <source>The download of the magnet link failed ({detail}). Start it again to go on with what is here.</source>
        <translation>磁力链接下载失败（{detail}）。请重新开始，将从已有的部分继续。</translation>
    </message>
    <message>
        <source>The connection to {host} broke ({detail}). Check the network, or choose another mirror.</source>
        <translation>与 {host} 的连接中断（{detail}）。请检查网络，或选择其他镜像。</translation>
    </message>
    <message>
        <source>{host} sent nothing for {seconds} s. Check the network, or choose another mirror.</source>
        <translation>{host} 已有 {seconds} 秒没有发送数据。请检查网络，或选择其他镜像。</translation>
    </message>
    <message>
        <source>{host} takes no more requests for the moment (status {status}). Wait a little, or choose another mirror.</source>
        <translation>{host} 暂时不再接受请求（状态码 {status}）。请稍候，或选择其他镜像。</translation>
    </message>
    <message>
        <source>{host} refused the request (status {status}). Choose another mirror, or check the token.</source>
        <translation>{host} 拒绝了请求（状态码 {status}）。请选择其他镜像，或检查访问令牌。</translation>
    </message>
    <message>
        <source>{host} answered with something else than was asked for ({detail}). A proxy may be in the way: choose another mirror or another proxy.</source>
        <translation>{host} 返回的内容与请求不符（{detail}）。可能是受到代理的影响，请选择其他镜像或其他代理。</translation>
    </message>
    <message>
        <source>{url} is not an address that can be opened. Check the address of the hub in the settings.</source>
        <translation>{url} 不是可以打开的地址。请检查设置中的站点地址。</translation>
    </message>
    <message>
        <source>{host} sends in circles. Choose another mirror, or try again later.</source>
        <translation>{host} 不断循环重定向。请选择其他镜像，或稍后重试。</translation>
    </message>
    <message>
        <source>{host} no longer accepts its link (status {status}). A new one is being asked for; just wait.</source>
        <translation>{host} 不再接受它给出的链接（状态码 {status}）。正在获取新的链接，请稍候。</translation>
    </message>
    <message>
        <source>{host} answered with a web page in place of the file. If this network wants a log-in, open any page in a browser first; otherwise choose another mirror.</source>
        <translation>{host} 返回的是网页而不是文件。如果此网络需要登录，请先在浏览器中打开任意网页；否则请选择其他镜像。</translation>
    </message>
    <message>
        <source>The certificate of {host} cannot be trusted ({detail}). Check the clock, and whether this network wants a log-in or inspects traffic; or choose another mirror.</source>
        <translation>{host} 的证书不可信（{detail}）。请检查系统时间，以及此网络是否需要登录或会检查流量；或选择其他镜像。</translation>
    </message>
    <message>
        <source>The proxy {proxy} does not let the connection through ({detail}). Check the proxy in the settings.</source>
        <translation>代理 {proxy} 不允许此连接通过（{detail}）。请检查设置中的代理。</translation>
    </message>
    <message>
        <source>{repository} is open only to people who accepted its terms. Accept them on {host}, and enter a token of your account in the settings.</source>
        <translation>{repository} 只对接受其条款的用户开放。请在 {host} 上接受条款，并在设置中填写您账号的访问令牌。</translation>
    </message>
    <message>
        <source>The token in the settings has no access to {repository}. Accept the terms of the model on {host} with the same account, or enter another token.</source>
        <translation>设置中的访问令牌无权访问 {repository}。请用同一账号在 {host} 上接受该模型的条款，或填写其他访问令牌。</translation>
    </message>
    <message>
        <source>{host} does not know the token in the settings. Enter a new one, or remove it.</source>
        <translation>{host} 不认识设置中的访问令牌。请填写新的访问令牌，或将其移除。</translation>
    </message>
    <message>
        <source>{host} has no repository {repository}, or shows it to nobody without a token. Choose another mirror.</source>
        <translation>{host} 没有仓库 {repository}，或没有访问令牌就不予显示。请选择其他镜像。</translation>
    </message>
    <message>
        <source>{host} has no version {revision} of {repository}. Choose another mirror.</source>
        <translation>{host} 没有 {repository} 的版本 {revision}。请选择其他镜像。</translation>
    </message>
    <message>
        <source>{host} has no file {name} in {repository}. Choose another mirror, or look for the model again.</source>
        <translation>{host} 的 {repository} 中没有文件 {name}。请选择其他镜像，或重新查找该模型。</translation>
    </message>
    <message>
        <source>{host} has a file of {bytes} where {expected_bytes} were published. Choose another mirror, or look for the model again.</source>
        <translation>{host} 上的文件大小为 {bytes}，而发布的大小为 {expected_bytes}。请选择其他镜像，或重新查找该模型。</translation>
    </message>
    <message>
        <source>{name} is published with {bytes}, but its header speaks of {expected_bytes}: a part is missing. Choose another repository.</source>
        <translation>发布的 {name} 大小为 {bytes}，而文件头表明应为 {expected_bytes}，缺少一部分。请选择其他仓库。</translation>
    </message>
    <message>
        <source>What is published as {name} is only a Git LFS pointer, not the model. Choose another mirror or another repository.</source>
        <translation>发布的 {name} 只是一个 Git LFS 指针，而不是模型。请选择其他镜像或其他仓库。</translation>
    </message>
    <message>
        <source>What is published as {name} is a web page, not a model. Choose another mirror or another repository.</source>
        <translation>发布的 {name} 是网页，而不是模型。请选择其他镜像或其他仓库。</translation>
    </message>
    <message>
        <source>The hub calls a file {name}, which is not a safe name for a model file. Choose another repository.</source>
        <translation>站点给出的文件名 {name} 用作模型文件名不安全。请选择其他仓库。</translation>
    </message>
    <message>
        <source>{path} is being downloaded by another window or process. Wait until that is done.</source>
        <translation>另一个窗口或进程正在下载 {path}。请等它完成。</translation>
    </message>
    <message>
        <source>What arrived of {name} is not what was published. It was set aside as {path}: mend it, which fetches the damaged parts again, best from another mirror.</source>
        <translation>收到的 {name} 与发布的文件不符，已隔离为 {path}。请进行修补，损坏的部分会重新下载，最好使用其他镜像。</translation>
    </message>
    <message>
        <source>There is another file {path} already. Move it away or delete it, then download again.</source>
        <translation>已有另一个文件 {path}。请将其移走或删除，然后重新下载。</translation>
    </message>
    <message>
        <source>{path} holds {bytes} of an older version of this model, of which no more can be had. Cancel that download, which deletes them, and begin anew.</source>
        <translation>{path} 中有该模型旧版本的 {bytes}，而旧版本的其余部分已无法获取。请取消该下载（会删除这些内容），然后重新开始。</translation>
    </message>
    <message>
        <source>Nothing is known of where {path} came from, so it cannot be mended. Download it again.</source>
        <translation>不清楚 {path} 的来源，因此无法修补。请重新下载。</translation>
    </message>
    <message>
        <source>{path} has {free_bytes} free, and {needed_bytes} are needed. Free some space, or put the models folder on another drive.</source>
        <translation>{path} 可用空间为 {free_bytes}，需要 {needed_bytes}。请腾出空间，或把模型文件夹放到其他驱动器。</translation>
    </message>
    <message>
        <source>The disk is full, so {path} cannot grow. Free some space and resume; what was fetched is kept.</source>
        <translation>磁盘已满，{path} 无法继续写入。请腾出空间后继续下载；已下载的内容会保留。</translation>
    </message>
    <message>
        <source>Nothing can be written to {path} ({detail}). Choose another models folder in the settings.</source>
        <translation>无法写入 {path}（{detail}）。请在设置中选择其他模型文件夹。</translation>
    </message>
    <message>
        <source>The disk reports an error at {path} ({detail}). Check the drive, or choose another models folder.</source>
        <translation>磁盘在 {path} 处报告错误（{detail}）。请检查驱动器，或选择其他模型文件夹。</translation>
    </message>
    <message>
        <source>{path} is one of {count} parts of a model. Join them first: in the models dialog, or with apus-chat models repair.</source>
        <translation>{path} 是模型的 {count} 个分段之一。请先合并：在模型对话框中操作，或使用 apus-chat models repair。</translation>
    </message>
    <message>
        <source>{path} is not the published file {published}, or is damaged. Mend it with apus-chat models verify --mend, or download it again.</source>
        <translation>{path} 不是发布的文件 {published}，或已损坏。请用 apus-chat models verify --mend 修补，或重新下载。</translation>
    </message>
    <message>
        <source>Nothing was deleted: {path} takes {bytes}. Add --delete --yes to delete it for good.</source>
        <translation>没有删除任何内容：{path} 占用 {bytes}。要永久删除，请加上 --delete --yes。</translation>
    </message>
    <message>
        <source>{address} is not the address of an endpoint. It begins with https:// and names a host.</source>
        <translation>{address} 不是端点的地址。地址应以 https:// 开头并包含主机名。</translation>
    </message>
    <message>
        <source>{address} is not the address of a proxy. Write it as http://HOST:PORT or socks5://HOST:PORT.</source>
        <translation>{address} 不是代理的地址。请写成 http://HOST:PORT 或 socks5://HOST:PORT。</translation>
    </message>
    <message>
        <source>None of the mirrors could be reached. Check the network and the proxy, then test again.</source>
        <translation>所有镜像都无法连接。请检查网络和代理，然后重新测试。</translation>
    </message>
    <message>
        <source>The driver of a graphics card made the engine end or hang while it looked for devices. Update the driver; until then the processor alone is used.</source>
        <translation>引擎查找设备时，某个显卡驱动导致引擎退出或卡住。请更新驱动；在此之前只使用处理器。</translation>
    </message>
    <message>
        <source>You have {gpus}, but this build of the engine cannot use that. Run {command} and start again.</source>
        <translation>您有 {gpus}，但此引擎的构建版本无法使用。请运行 {command}，然后重新启动。</translation>
    </message>
    <message>
        <source>You have {gpus}, but the engine sees no usable driver for that. Install or update the driver.</source>
        <translation>您有 {gpus}，但引擎没有找到可用的驱动。请安装或更新驱动。</translation>
    </message>
    <message>
        <source>The engine does not see {gpus}, but other cards. Update the driver, and check that no setting hides cards (CUDA_VISIBLE_DEVICES and its like).</source>
        <translation>引擎没有检测到 {gpus}，只检测到其他显卡。请更新驱动，并检查是否有设置隐藏了显卡（CUDA_VISIBLE_DEVICES 等）。</translation>
    </message>
    <message>
        <source>There is no split mode {split_mode}. Choose one of {known}.</source>
        <translation>没有名为 {split_mode} 的切分方式。请从 {known} 中选择。</translation>
    </message>
    <message>
        <source>{device} cannot split layers by rows. Set the split mode to By layers.</source>
        <translation>{device} 不能按行拆分层。请把拆分方式设为“按层”。</translation>
    </message>
    <message>
        <source>The RPC server {server} takes the connection but says nothing. It serves one program at a time: end the other one, or release the model there.</source>
        <translation>RPC 服务器 {server} 接受了连接，但没有响应。它一次只能服务一个程序：请结束另一个程序，或在那里释放模型。</translation>
    </message>
    <message>
        <source>{server} is no RPC server of this version of llama.cpp. Start the one that belongs to this program&apos;s engine.</source>
        <translation>{server} 不是此版本 llama.cpp 的 RPC 服务器。请启动与本程序引擎配套的服务器。</translation>
    </message>
    <message>
        <source>{server} speaks version {theirs} of the RPC protocol, this program&apos;s engine version {ours}. Start the server of the same llama.cpp there.</source>
        <translation>{server} 使用 RPC 协议版本 {theirs}，本程序的引擎使用版本 {ours}。请在那里启动同一版本 llama.cpp 的服务器。</translation>
    </message>
    <message>
        <source>The device at {server} went away in the middle. Try again: the model is then loaded without it.</source>
        <translation>{server} 的设备中途断开。请重试：模型会在没有它的情况下加载。</translation>
    </message>
    <message>
        <source>{text} is no address. Give HOST:PORT, such as 192.168.1.20:50052.</source>
        <translation>{text} 不是有效的地址。请填写 主机:端口，例如 192.168.1.20:50052。</translation>
    </message>
    <message>
        <source>{text} are no GPUs to pretend. Give the GiB free on each, such as 24, or none.</source>
        <translation>{text} 不是可以模拟的 GPU。请写出每个 GPU 空闲的 GiB 数，例如 24；或写 none。</translation>
    </message>
    <message>
        <source>{path} would take {needed_bytes} of RAM here, and {available_bytes} are free, so it was not loaded. Close other programs, or choose a smaller quantisation or less context.</source>
        <translation>{path} 在这里需要 {needed_bytes} 内存，可用 {available_bytes}，因此没有加载。请关闭其他程序，或选择更小的量化版本或上下文。</translation>
    </message>
    <message>
        <source>As it was set by hand it does not fit: {device} lacks {lacking_bytes}. Go back to automatic, or put less on it.</source>
        <translation>按手动设置放不下：{device} 还差 {lacking_bytes}。请恢复自动，或减少放在上面的内容。</translation>
    </message>
    <message>
        <source>The engine was ended, because after {seconds} s it was still {phase}. Try again.</source>
        <translation>引擎在 {seconds} 秒后仍在{phase}，已被结束。请重试。</translation>
    </message>
    <message>
        <source>The load of {path} could not be rehearsed{reason}. The estimate stands; load it to know for certain.</source>
        <translation>无法预演 {path} 的加载{reason}。估算结果仍然有效；要确切知道，请实际加载。</translation>
    </message>
    <message>
        <source>Measuring needs a context of {needed} tokens, but {context} are loaded. Choose a larger context.</source>
        <translation>测速需要 {needed} 个词元的上下文，当前只加载了 {context} 个。请选择更大的上下文。</translation>
    </message>
    <message>
        <source>Fits on {device} with {context} context, {left} left.</source>
        <translation>{device} 放得下，上下文 {context}，还剩 {left}。</translation>
    </message>
    <message>
        <source>Fits on your two cards with {context} context, {left} left on {device}.</source>
        <translation>您的两张卡放得下，上下文 {context}，{device} 还剩 {left}。</translation>
    </message>
    <message>
        <source>Fits on your {cards} cards with {context} context, {left} left on {device}.</source>
        <translation>您的 {cards} 张卡放得下，上下文 {context}，{device} 还剩 {left}。</translation>
    </message>
    <message>
        <source>Runs with {context} context and the experts of {experts} of its {layers} layers in RAM ({ram}), the rest on the GPU: about {speed} tokens per second.</source>
        <translation>可以运行：上下文 {context}，{layers} 层中 {experts} 层的专家放在内存（{ram}），其余在 GPU 上，每秒约 {speed} 个词元。</translation>
    </message>
    <message>
        <source>Runs with {context} context and {on_devices} of its {layers} layers on the GPU, the rest in RAM ({ram}): about {speed} tokens per second.</source>
        <translation>可以运行：上下文 {context}，{layers} 层中 {on_devices} 层在 GPU 上，其余放在内存（{ram}），每秒约 {speed} 个词元。</translation>
    </message>
    <message>
        <source>Runs on the processor with {context} context and takes {ram} of RAM: about {speed} tokens per second.</source>
        <translation>可以在处理器上运行：上下文 {context}，占用内存 {ram}，每秒约 {speed} 个词元。</translation>
    </message>
    <message>
        <source>Does not fit: it would take {ram} of RAM, and {available} are free. Close other programs, or choose a smaller quantisation or less context.</source>
        <translation>放不下：需要 {ram} 内存，可用 {available}。请关闭其他程序，或选择更小的量化版本或上下文。</translation>
    </message>
    <message>
        <source>Does not fit as it was set by hand: {device} lacks {lacking}. Go back to automatic, or put less on it.</source>
        <translation>按手动设置放不下：{device} 还差 {lacking}。请恢复自动，或减少放在上面的内容。</translation>
    </message>
    <message>
        <source>The model was trained for no more context than that.</source>
        <translation>模型训练时的上下文最多只有这么大。</translation>
    </message>
    <message>
        <source>With less context it would fit on the GPU alone and answer faster.</source>
        <translation>减小上下文后可以完全放进 GPU，回答更快。</translation>
    </message>
    <message>
        <source>A KV cache of 8 bits makes everything fit.</source>
        <translation>使用 8 位 KV 缓存就能全部放下。</translation>
    </message>
    <message>
        <source>A KV cache of 8 bits keeps more of it on the GPU.</source>
        <translation>使用 8 位 KV 缓存可以让更多内容留在 GPU 上。</translation>
    </message>
    <message>
        <source>This model cannot use the KV cache type that was set.</source>
        <translation>该模型无法使用所设的 KV 缓存类型。</translation>
    </message>
    <message>
        <source>Flash attention stays on, because the KV cache type that was set needs it.</source>
        <translation>所设的 KV 缓存类型需要 Flash attention，因此保持开启。</translation>
    </message>
    <message>
        <source>One of the cards stays empty.</source>
        <translation>有一张卡空闲。</translation>
    </message>
    <message>
        <source>The engine uses at most 16 cards; the largest were taken.</source>
        <translation>引擎最多使用 16 张卡；已选用最大的几张。</translation>
    </message>
    <message>
        <source>RAM has no room for a second, faster copy of the weights, so long prompts are read more slowly.</source>
        <translation>内存放不下一份更快的权重副本，因此读取长提示词会慢一些。</translation>
    </message>
    <message>
        <source>The memory of this kind of model is estimated; it may take a little more or less.</source>
        <translation>这类模型的内存占用是估算的，实际可能略有出入。</translation>
    </message>
    <message>
        <source>The memory of this split mode is estimated.</source>
        <translation>此切分方式的内存占用是估算的。</translation>
    </message>
    <message>
        <source>The speed of the GPU is a guess.</source>
        <translation>GPU 的速度是估计值。</translation>
    </message>
    <message>
        <source>The engine has not confirmed these figures yet.</source>
        <translation>引擎尚未确认这些数字。</translation>
    </message>
    <message>
        <source>Memory ran out, so a smaller plan is tried. {plan}</source>
        <translation>内存不足，正在尝试更小的方案。{plan}</translation>
    </message>
    <message>
        <source>{server} cannot be used now, so the model is loaded without it. {plan}</source>
        <translation>现在无法使用 {server}，因此在没有它的情况下加载模型。{plan}</translation>
    </message>
    <message>
        <source>The best quality that fits on the GPU alone.</source>
        <translation>能完全放进 GPU 的最佳质量。</translation>
    </message>
    <message>
        <source>The best quality that is fast enough with a part in RAM.</source>
        <translation>部分放在内存、速度仍够用的最佳质量。</translation>
    </message>
    <message>
        <source>The smallest; the others would be slower still.</source>
        <translation>最小的版本；其他的会更慢。</translation>
    </message>
    <message>
        <source>A better quality fits as well.</source>
        <translation>更高的质量也放得下。</translation>
    </message>
    <message>
        <source>It would run, but slowly.</source>
        <translation>可以运行，但很慢。</translation>
    </message>
    <message>
        <source>Does not fit on this machine.</source>
        <translation>这台电脑放不下。</translation>
    </message>
    <message>
        <source>The experts in {path} differ in type or shape ({tensor}): they cannot be stacked, and no current engine loads them as they are. Choose another quantisation, or a file made after April 2024.</source>
        <translation>{path} 中各专家的类型或形状不同（{tensor}），无法堆叠，现有的引擎都不能直接加载。请选择其他量化版本，或 2024 年 4 月之后制作的文件。</translation>
    </message>
    <message>
        <source>Not all experts of a layer are in {path}: {tensor} is missing. Download the file again, or choose another.</source>
        <translation>{path} 中某一层的专家不全：缺少 {tensor}。请重新下载该文件，或选择其他文件。</translation>
    </message>
    <message>
        <source>{path} is one of {count} files of a model made before April 2024, whose experts can only be stacked in a single file. Merge the files with llama-gguf-split --merge and repair the result, or choose a newer file.</source>
        <translation>{path} 是 2024 年 4 月之前制作的模型的 {count} 个文件之一，其专家只能在单个文件中堆叠。请用 llama-gguf-split --merge 合并这些文件后再修复，或选择较新的文件。</translation>
    </message>
    <message>
        <source>{path} loads as it is and needs no repair. Use the file itself.</source>
        <translation>{path} 可以直接加载，无需修复。请直接使用该文件。</translation>
    </message>
    <message>
        <source>{path} is being repaired already. Wait until that is done.</source>
        <translation>{path} 已在修复中。请等它完成。</translation>
    </message>
    <message>
        <source>There is too little room on the disk to repair {path}: {needed_bytes} are needed and {free_bytes} are free. Free some space, or repair it into a folder on another drive.</source>
        <translation>磁盘空间不足，无法修复 {path}：需要 {needed_bytes}，可用 {free_bytes}。请腾出空间，或修复到其他驱动器的文件夹中。</translation>
    </message>
    <message>
        <source>The repair of {path} was stopped halfway. Until it is finished the file is kept as {working} and cannot be used: start the repair again to go on with it.</source>
        <translation>{path} 的修复中途停止了。完成之前，文件保存为 {working}，无法使用：请再次启动修复以继续。</translation>
    </message>
    <message>
        <source>The repair of {path} could not go on ({detail}). Nothing is lost: the file is kept as {working} until the repair is finished. See to the disk and start the repair again.</source>
        <translation>{path} 的修复无法继续（{detail}）。没有任何内容丢失：修复完成之前，文件保存为 {working}。请检查磁盘，然后再次启动修复。</translation>
    </message>
    <message>
        <source>There is another file {path} now, so the half-repaired {working} cannot take that name back. Move the other file away and start the repair again.</source>
        <translation>现在已有另一个文件 {path}，修复到一半的 {working} 无法恢复该名称。请移走那个文件，然后再次启动修复。</translation>
    </message>
    <message>
        <source>{working} is a half-repaired file, and the record of how far it was is gone. It cannot be finished: delete it and download the file again.</source>
        <translation>{working} 是修复到一半的文件，而记录修复进度的文件已丢失，无法完成修复。请删除它并重新下载。</translation>
    </message>
    <message>
        <source>{name} is not named like a part of a model file. Choose parts of one file, such as MODEL.gguf.part1of2 and MODEL.gguf.part2of2.</source>
        <translation>{name} 的名称不像模型文件的分段。请选择同一文件的各个分段，例如 MODEL.gguf.part1of2 和 MODEL.gguf.part2of2。</translation>
    </message>
    <message>
        <source>The parts of {name} are not named alike, so their order is not clear: {parts}. Keep one set of them in the folder.</source>
        <translation>{name} 的分段命名方式不一致，无法确定顺序：{parts}。请在文件夹中只保留其中一套。</translation>
    </message>
    <message>
        <source>Parts of {name} are missing: {missing}. Put all its parts into one folder and try again.</source>
        <translation>{name} 缺少分段：{missing}。请把所有分段放进同一个文件夹后重试。</translation>
    </message>
    <message>
        <source>The parts of {name} lie in different folders. Put them into one folder and try again.</source>
        <translation>{name} 的分段在不同的文件夹中。请把它们放进同一个文件夹后重试。</translation>
    </message>
    <message>
        <source>{path} is a model file of its own and not a part that can be joined to another. Give it back the name it was published with, and open the first file of its set.</source>
        <translation>{path} 本身就是模型文件，不是可以与其他文件合并的分段。请恢复它发布时的名称，然后打开这组文件中的第一个。</translation>
    </message>
    <message>
        <source>The parts of {name} do not fit together: they have {bytes}, but the file should have {expected_bytes}. Look whether a part is missing or from another file, and download it again.</source>
        <translation>{name} 的分段对不上：它们共有 {bytes}，而文件应为 {expected_bytes}。请检查是否缺少分段或混入了其他文件的分段，并重新下载相应分段。</translation>
    </message>
    <message>
        <source>The parts of {path} are being joined already. Wait until that is done.</source>
        <translation>{path} 的分段已在合并中。请等它完成。</translation>
    </message>
    <message>
        <source>There is too little room on the disk to join the parts of {path}: {needed_bytes} are needed and {free_bytes} are free. Free some space and start again.</source>
        <translation>磁盘空间不足，无法合并 {path} 的分段：需要 {needed_bytes}，可用 {free_bytes}。请腾出空间后重新开始。</translation>
    </message>
    <message>
        <source>Joining the parts of {path} was stopped halfway. Until it is finished the file is kept as {working}: start it again to go on.</source>
        <translation>{path} 的分段合并中途停止了。完成之前，文件保存为 {working}：请再次启动以继续。</translation>
    </message>
    <message>
        <source>Joining the parts of {path} could not go on ({detail}). Nothing is lost: see to the disk and start it again.</source>
        <translation>{path} 的分段合并无法继续（{detail}）。没有任何内容丢失：请检查磁盘，然后再次启动。</translation>
    </message>
    <message>
        <source>{working} is a half-joined file, and what is left of its parts or of the record about them is gone. It cannot be finished: download the parts again.</source>
        <translation>{working} 是合并到一半的文件，而剩余的分段或其记录已丢失，无法完成合并。请重新下载各个分段。</translation>
    </message>
    <message>
        <source>The context is full: with room for an answer the conversation needs {needed} tokens, and the context holds {context}. Leave out the oldest turns, begin a new conversation, or choose a larger context.</source>
        <translation>上下文已满：对话连同回答所需的空间要 {needed} 个词元，而上下文只能容纳 {context} 个。请略去最早的轮次、开始新对话，或选择更大的上下文。</translation>
    </message>
    <message>
        <source>The last question alone, with what is attached to it, the system prompt and room for an answer, needs {needed} tokens, and the context holds {context}. Shorten it, or choose a larger context.</source>
        <translation>仅最后一个问题，连同附件、系统提示词和回答所需的空间，就要 {needed} 个词元，而上下文只能容纳 {context} 个。请缩短问题，或选择更大的上下文。</translation>
    </message>
    <message>
        <source>The pinned messages and the last question need {needed} tokens with room for an answer, and the context holds {context}. Take out a pin, or choose a larger context.</source>
        <translation>固定的消息和最后一个问题，连同回答所需的空间，要 {needed} 个词元，而上下文只能容纳 {context} 个。请取消部分固定，或选择更大的上下文。</translation>
    </message>
    <message>
        <source>The context of {context} tokens is full: the oldest messages are left out ({count}).</source>
        <translation>{context} 个词元的上下文已满：最早的 {count} 条消息不再发送给模型。</translation>
    </message>
    <message>
        <source>The server that answered here is no longer in the list. Choose another model, or add the server again.</source>
        <translation>此前回答的服务器已不在列表中。请选择其他模型，或重新添加该服务器。</translation>
    </message>
    <message>
        <source>{url} is not an address of a server. It looks like http://127.0.0.1:8000/v1.</source>
        <translation>{url} 不是服务器地址。地址形如 http://127.0.0.1:8000/v1。</translation>
    </message>
    <message>
        <source>{host} cannot be reached ({detail}). Check that the server runs and that the address is right.</source>
        <translation>无法连接 {host}（{detail}）。请确认服务器正在运行且地址正确。</translation>
    </message>
    <message>
        <source>{host} has said nothing for {seconds} seconds. It may be overloaded: try again later.</source>
        <translation>{host} 已有 {seconds} 秒没有响应，可能负载过高：请稍后再试。</translation>
    </message>
    <message>
        <source>The connection to {host} broke before the answer was complete. What came is kept: continue or try again.</source>
        <translation>与 {host} 的连接在回答完成前中断。已收到的内容已保留：可以继续或重试。</translation>
    </message>
    <message>
        <source>{host} asks for a key. Enter it in the settings under Servers.</source>
        <translation>{host} 需要密钥。请在设置的“服务器”中填写。</translation>
    </message>
    <message>
        <source>{host} does not accept the key. Enter the right one in the settings under Servers.</source>
        <translation>{host} 不接受该密钥。请在设置的“服务器”中填写正确的密钥。</translation>
    </message>
    <message>
        <source>{url} does not answer as an OpenAI-compatible server ({detail}). Check the address; for most it ends in /v1.</source>
        <translation>{url} 的响应不像兼容 OpenAI 的服务器（{detail}）。请检查地址；多数以 /v1 结尾。</translation>
    </message>
    <message>
        <source>{host} takes no more questions just now ({detail}). Wait a while and try again.</source>
        <translation>{host} 目前不再接受请求（{detail}）。请稍等片刻再试。</translation>
    </message>
    <message>
        <source>{host} failed ({detail}). Try again; the server&apos;s own log tells more.</source>
        <translation>{host} 出错（{detail}）。请重试；服务器自己的日志里有更多信息。</translation>
    </message>
    <message>
        <source>{host} refused the question ({detail}). Change the settings of the conversation, or choose another model.</source>
        <translation>{host} 拒绝了请求（{detail}）。请调整对话设置，或选择其他模型。</translation>
    </message>
    <message>
        <source>{host} does not offer {model}. Choose one of its models; the settings under Servers list them.</source>
        <translation>{host} 不提供 {model}。请选择它提供的模型；可在设置的“服务器”中查看。</translation>
    </message>
    <message>
        <source>The conversation is longer than {host} can read ({detail}). Leave out the oldest turns, begin a new conversation, or choose a model with a larger context.</source>
        <translation>对话超出了 {host} 能读取的长度（{detail}）。请略去最早的几轮、新建对话，或选择上下文更大的模型。</translation>
    </message>
    <message>
        <source>The environment variable {name} holds no key. Set it first.</source>
        <translation>环境变量 {name} 中没有密钥。请先设置它。</translation>
    </message>
    <message>
        <source>{host} lists no model. Load one on the server, then try again.</source>
        <translation>{host} 没有列出任何模型。请先在服务器上加载一个，然后重试。</translation>
    </message>
    <message>
        <source>{name} has {bytes}; texts of up to {limit_bytes} can be attached. Attach the part that the question is about.</source>
        <translation>{name} 有 {bytes}，附件最大 {limit_bytes}。请只附上与问题有关的部分。</translation>
    </message>
    <message>
        <source>{name} holds no plain text. Save it as text, or copy the passage and paste it here.</source>
        <translation>{name} 不是纯文本。请另存为文本文件，或复制所需段落粘贴到这里。</translation>
    </message>
    <message>
        <source>{name} is empty. Choose another file.</source>
        <translation>{name} 是空的。请选择其他文件。</translation>
    </message>
    <message>
        <source>{name} is a folder. Choose the text files in it.</source>
        <translation>{name} 是文件夹。请选择其中的文本文件。</translation>
    </message>
    <message>
        <source>Up to {limit} texts can be attached to a question. Remove one first, or put several into one file.</source>
        <translation>一个问题最多附上 {limit} 个文本。请先移除一个，或把几个合并成一个文件。</translation>
    </message>
    <message>
        <source>Your presets could not be read; the file was put aside as {path}, and those of the program are there. Mend it and give it back its name, or go on with new ones.</source>
        <translation>您的预设无法读取；原文件已另存为 {path}，程序自带的预设仍可使用。可以修复后改回原名，或重新建立。</translation>
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
        <source>Thoughts</source>
        <translation>思考过程</translation>
    </message>
    <message>
        <source>Attachment</source>
        <translation>附件</translation>
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
        <source>SHA-256 of the file</source>
        <translation>文件的 SHA-256</translation>
    </message>
    <message>
        <source>Plan</source>
        <translation>加载方案</translation>
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
        <source>Messages left out</source>
        <translation>未发送的消息数</translation>
    </message>
    <message>
        <source>Tokens of the answer</source>
        <translation>回答词元数</translation>
    </message>
    <message>
        <source>Ended by</source>
        <translation>结束原因</translation>
    </message>
    <message>
        <source>Time of its thoughts</source>
        <translation>思考用时</translation>
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
    <message>
        <source>Page {number}</source>
        <translation>第 {number} 页</translation>
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
        <source>Cancel the download</source>
        <translation>取消下载</translation>
    </message>
    <message>
        <source>Move up in the queue</source>
        <translation>在队列中上移</translation>
    </message>
    <message>
        <source>Use</source>
        <translation>使用</translation>
    </message>
    <message>
        <source>Repair</source>
        <translation>修复</translation>
    </message>
    <message>
        <source>Repair into a copy</source>
        <translation>修复为副本</translation>
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
        <source>Where it lies on this machine…</source>
        <translation>在本机上的分布…</translation>
    </message>
    <message>
        <source>Verify the file</source>
        <translation>校验文件</translation>
    </message>
    <message>
        <source>Mend</source>
        <translation>修补</translation>
    </message>
    <message>
        <source>Set the file aside</source>
        <translation>隔离文件</translation>
    </message>
    <message>
        <source>Take it back as it is</source>
        <translation>按原样解除隔离</translation>
    </message>
    <message>
        <source>Remove from list</source>
        <translation>移出列表</translation>
    </message>
    <message>
        <source>Take its folder off the list</source>
        <translation>将所在文件夹移出列表</translation>
    </message>
    <message>
        <source>Delete the file…</source>
        <translation>删除文件…</translation>
    </message>
    <message>
        <source>Copy the path</source>
        <translation>复制路径</translation>
    </message>
    <message>
        <source>Show in folder</source>
        <translation>在文件夹中显示</translation>
    </message>
    <message>
        <source>Open its page in the browser</source>
        <translation>在浏览器中打开其页面</translation>
    </message>
    <message>
        <source>Cancel the download, deleting {size}…</source>
        <translation>取消下载并删除 {size}…</translation>
    </message>
    <message>
        <source>Delete the file ({size})…</source>
        <translation>删除文件（{size}）…</translation>
    </message>
</context>
<context>
    <name>model_advice</name>
    <message>
        <source>This computer is too small for every quantisation of it: take a smaller model, the starter, or a server.</source>
        <translation>这台电脑放不下它的任何量化版本：请选用更小的模型、入门模型或服务器。</translation>
    </message>
    <message>
        <source>Your graphics card holds {quantisation} with {context} context, about {speed} tokens/s.</source>
        <translation>您的显卡放得下 {quantisation}，上下文 {context}，约 {speed} 词元/秒。</translation>
    </message>
    <message>
        <source>Your two cards hold {quantisation} with {context} context, about {speed} tokens/s.</source>
        <translation>您的两块显卡放得下 {quantisation}，上下文 {context}，约 {speed} 词元/秒。</translation>
    </message>
    <message>
        <source>Your {count} cards hold {quantisation} with {context} context, about {speed} tokens/s.</source>
        <translation>您的 {count} 块显卡放得下 {quantisation}，上下文 {context}，约 {speed} 词元/秒。</translation>
    </message>
    <message>
        <source>{quantisation} runs here on the processor with {context} context, about {speed} tokens/s.</source>
        <translation>{quantisation} 可在这里的处理器上运行，上下文 {context}，约 {speed} 词元/秒。</translation>
    </message>
    <message>
        <source>{quantisation} runs here with a part of it in RAM and {context} context, about {speed} tokens/s.</source>
        <translation>{quantisation} 可在这里运行，一部分放在内存，上下文 {context}，约 {speed} 词元/秒。</translation>
    </message>
    <message>
        <source>{quantisation} is the one that runs here, slowly: about {speed} tokens/s. A smaller model or a server answers faster.</source>
        <translation>{quantisation} 可在这里运行，但较慢：约 {speed} 词元/秒。更小的模型或服务器会更快。</translation>
    </message>
    <message>
        <source>card of {gib} GiB</source>
        <translation>{gib} GiB 显卡</translation>
    </message>
    <message>
        <source>{gib} GiB RAM</source>
        <translation>{gib} GiB 内存</translation>
    </message>
    <message>
        <source>This computer: {facts}</source>
        <translation>这台电脑：{facts}</translation>
    </message>
    <message>
        <source>does not fit</source>
        <translation>放不下</translation>
    </message>
    <message>
        <source>fits on the GPU</source>
        <translation>显卡放得下</translation>
    </message>
    <message>
        <source>fits on {count} GPUs</source>
        <translation>{count} 块显卡放得下</translation>
    </message>
    <message>
        <source>partly in RAM</source>
        <translation>部分在内存</translation>
    </message>
    <message>
        <source>on the processor</source>
        <translation>在处理器上</translation>
    </message>
</context>
<context>
    <name>model_facts</name>
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
        <source>{count}, of which {used} are used</source>
        <translation>{count} 个，使用其中 {used} 个</translation>
    </message>
    <message>
        <source>Experts</source>
        <translation>专家</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个词元</translation>
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
        <source>its own</source>
        <translation>模型自带</translation>
    </message>
    <message>
        <source>none: ChatML</source>
        <translation>无，使用 ChatML</translation>
    </message>
    <message>
        <source>Chat template</source>
        <translation>对话模板</translation>
    </message>
    <message>
        <source>Experts&apos; tensors</source>
        <translation>专家张量</translation>
    </message>
    <message>
        <source>stacked on arrival</source>
        <translation>下载时已堆叠</translation>
    </message>
    <message>
        <source>separate</source>
        <translation>各自独立</translation>
    </message>
    <message>
        <source>{size} ({bytes}&#xa0;bytes)</source>
        <translation>{size}（{bytes} 字节）</translation>
    </message>
    <message>
        <source>about {size}</source>
        <translation>约 {size}</translation>
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
        <source>Folder</source>
        <translation>文件夹</translation>
    </message>
    <message>
        <source>computed on {date}</source>
        <translation>计算于 {date}</translation>
    </message>
    <message>
        <source>verified on {date}</source>
        <translation>校验于 {date}</translation>
    </message>
    <message>
        <source>Licence</source>
        <translation>许可证</translation>
    </message>
    <message>
        <source>see the repository&apos;s page</source>
        <translation>见仓库页面</translation>
    </message>
    <message>
        <source>Made by</source>
        <translation>制作者</translation>
    </message>
    <message>
        <source>Repository</source>
        <translation>仓库</translation>
    </message>
    <message>
        <source>{bits} bits a weight</source>
        <translation>每权重 {bits} 位</translation>
    </message>
</context>
<context>
    <name>model_hub_rows</name>
    <message>
        <source>{count} downloads</source>
        <translation>{count} 次下载</translation>
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
        <source>Cannot be fetched</source>
        <translation>无法下载</translation>
    </message>
    <message>
        <source>{count} files</source>
        <translation>{count} 个文件</translation>
    </message>
</context>
<context>
    <name>model_menus</name>
    <message>
        <source>{program}, models: {count}</source>
        <translation>{program}：{count} 个模型</translation>
    </message>
    <message>
        <source>Another folder…</source>
        <translation>其他文件夹…</translation>
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
        <source>Very small and quick, for a first try</source>
        <translation>很小很快，适合初次尝试</translation>
    </message>
    <message>
        <source>Try now</source>
        <translation>立即重试</translation>
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
        <source>In the queue</source>
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
        <source>Needs repair</source>
        <translation>需要修复</translation>
    </message>
    <message>
        <source>In parts</source>
        <translation>待合并</translation>
    </message>
    <message>
        <source>Damaged</source>
        <translation>已损坏</translation>
    </message>
    <message>
        <source>Set aside</source>
        <translation>已隔离</translation>
    </message>
    <message>
        <source>Cannot be used</source>
        <translation>无法使用</translation>
    </message>
    <message>
        <source>{size} given to others</source>
        <translation>已分享 {size}</translation>
    </message>
    <message>
        <source>{count} parts of one file. Joining puts them together without a second copy.</source>
        <translation>同一文件的 {count} 个分段。合并时直接拼接，不另占一份空间。</translation>
    </message>
    <message>
        <source>This is not the file that was published. Mending fetches again what is damaged in it.</source>
        <translation>这不是发布的文件。修补会重新下载其中损坏的部分。</translation>
    </message>
    <message>
        <source>This is not the file that was published, so it was set aside. Mending fetches again what is damaged.</source>
        <translation>这不是发布的文件，因此已被隔离。修补会重新下载损坏的部分。</translation>
    </message>
    <message>
        <source>Made before April 2024, in a layout that no current engine loads. Repair makes a rearranged copy of it in the models folder, with the same values.</source>
        <translation>制作于 2024 年 4 月之前，现有的引擎都无法加载其布局。修复会在模型文件夹中生成一份重新排列的副本，数值不变。</translation>
    </message>
    <message>
        <source>Made before April 2024, in a layout that no current engine loads. Repair rearranges it; none of its values changes.</source>
        <translation>制作于 2024 年 4 月之前，现有的引擎都无法加载其布局。修复只重新排列，不改变任何数值。</translation>
    </message>
    <message>
        <source>Waiting</source>
        <translation>等待中</translation>
    </message>
    <message>
        <source>Again in {seconds} s</source>
        <translation>{seconds} 秒后重试</translation>
    </message>
    <message>
        <source>Stopping…</source>
        <translation>正在停止…</translation>
    </message>
    <message>
        <source>Repairing</source>
        <translation>正在修复</translation>
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
        <source>Looking for the damage</source>
        <translation>正在查找损坏处</translation>
    </message>
    <message>
        <source>Deleting…</source>
        <translation>正在删除…</translation>
    </message>
</context>
<context>
    <name>model_words</name>
    <message>
        <source>The original weights</source>
        <translation>原始权重</translation>
    </message>
    <message>
        <source>Practically the original</source>
        <translation>与原版几乎无异</translation>
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
        <source>Small loss</source>
        <translation>损失很小</translation>
    </message>
    <message>
        <source>Some loss</source>
        <translation>有些损失</translation>
    </message>
    <message>
        <source>Noticeable loss</source>
        <translation>损失明显</translation>
    </message>
    <message>
        <source>Heavy loss</source>
        <translation>损失较大</translation>
    </message>
    <message>
        <source>Severe loss</source>
        <translation>损失严重</translation>
    </message>
    <message>
        <source>Nothing was taken away. Larger than it needs to be for chatting.</source>
        <translation>没有任何删减。用于对话，这样的大小并无必要。</translation>
    </message>
    <message>
        <source>Answers as the original weights do, for all practical purposes.</source>
        <translation>实际使用中，回答与原始权重无异。</translation>
    </message>
    <message>
        <source>Answers as the original does, but for very rare slips.</source>
        <translation>回答与原版相同，极少出现偏差。</translation>
    </message>
    <message>
        <source>Answers nearly as the original does: the usual choice where there is room for it.</source>
        <translation>回答与原版几乎相同：空间足够时的常用选择。</translation>
    </message>
    <message>
        <source>Hardly noticed in conversation; code and long chains of reasoning suffer a little.</source>
        <translation>对话中几乎察觉不到；代码和长链推理略受影响。</translation>
    </message>
    <message>
        <source>Good for conversation; facts, code and reasoning go wrong more often than in larger ones.</source>
        <translation>适合对话；与更大的版本相比，事实、代码和推理更容易出错。</translation>
    </message>
    <message>
        <source>Fluent, but with more mistakes in facts, code and reasoning. Of a very large model still useful.</source>
        <translation>表达流畅，但事实、代码和推理的错误更多。对很大的模型仍然实用。</translation>
    </message>
    <message>
        <source>Often wrong and sometimes incoherent. Only where nothing larger fits.</source>
        <translation>经常出错，有时语无伦次。只在放不下更大的版本时使用。</translation>
    </message>
    <message>
        <source>Mostly of interest for trying out; do not rely on its answers.</source>
        <translation>主要供尝试，请勿依赖它的回答。</translation>
    </message>
    <message>
        <source>{part} of {whole}</source>
        <translation>{part} / {whole}</translation>
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
    <name>plan_words</name>
    <message>
        <source>RAM</source>
        <translation>内存</translation>
    </message>
    <message>
        <source>GPU {number}</source>
        <translation>GPU {number}</translation>
    </message>
    <message>
        <source>left out</source>
        <translation>不使用</translation>
    </message>
    <message>
        <source>output</source>
        <translation>输出层</translation>
    </message>
    <message>
        <source>stays empty</source>
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
        <translation>词嵌入</translation>
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
        <source>{size} too much</source>
        <translation>超出 {size}</translation>
    </message>
    <message>
        <source>{size} left</source>
        <translation>剩余 {size}</translation>
    </message>
    <message>
        <source>forecast {forecast} · real {real}</source>
        <translation>预计 {forecast} · 实际 {real}</translation>
    </message>
    <message>
        <source>loaded now: {real}</source>
        <translation>当前已加载：{real}</translation>
    </message>
    <message>
        <source>Weights</source>
        <translation>权重</translation>
    </message>
    <message>
        <source>KV cache</source>
        <translation>KV 缓存</translation>
    </message>
    <message>
        <source>Compute buffers</source>
        <translation>计算缓冲区</translation>
    </message>
    <message>
        <source>On the GPU that shares this RAM</source>
        <translation>共享此内存的 GPU</translation>
    </message>
    <message>
        <source>Too much</source>
        <translation>超出部分</translation>
    </message>
    <message>
        <source>Reserve</source>
        <translation>预留</translation>
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
        <source>{name}: forecast {forecast}, real {real}</source>
        <translation>{name}：预计 {forecast}，实际 {real}</translation>
    </message>
    <message>
        <source>{name}: {forecast}, loaded now {real}</source>
        <translation>{name}：{forecast}，当前已加载 {real}</translation>
    </message>
    <message>
        <source>Second copies of weights</source>
        <translation>权重的第二份副本</translation>
    </message>
    <message>
        <source>Left</source>
        <translation>剩余</translation>
    </message>
    <message>
        <source>{name} {forecast}, real {real}</source>
        <translation>{name} {forecast}，实际 {real}</translation>
    </message>
    <message>
        <source>{name} {forecast}, loaded now {real}</source>
        <translation>{name} {forecast}，当前已加载 {real}</translation>
    </message>
    <message>
        <source>{count} tokens</source>
        <translation>{count} 个词元</translation>
    </message>
</context>
</TS>

; The installer for Windows: per user, no administrator, with Inno Setup 6.
;   iscc /DVersion=0.1.0 /DBackend=vulkan packaging\windows\apus-chat.iss
; takes dist\apus-chat and makes dist\APUS-Chat-VERSION-BACKEND-setup.exe
#ifndef Version
  #define Version "0.0.0"
#endif
#ifndef Backend
  #define Backend "cpu"
#endif

[Setup]
AppId={{6A3C1B0B-6B3E-4D9A-9B59-4C2F2C6E7A10}
AppName=APUS Chat
AppVersion={#Version}
AppPublisher=APUS Chat
AppPublisherURL=https://github.com/apus-chat/apus-chat
DefaultDirName={localappdata}\Programs\APUS Chat
DefaultGroupName=APUS Chat
PrivilegesRequired=lowest
DisableProgramGroupPage=yes
DisableDirPage=auto
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
ChangesAssociations=yes
CloseApplications=yes
Compression=lzma2/max
SolidCompression=yes
SetupIconFile=apus-chat.ico
UninstallDisplayIcon={app}\apus-chat.exe
WizardStyle=modern
SourceDir=..\..
OutputDir=dist
OutputBaseFilename=APUS-Chat-{#Version}-{#Backend}-setup

[Languages]
Name: "english"; MessagesFile: "compiler:Default.isl"
; Inno Setup brings no Chinese of its own; the workflow puts this file beside its others.
#ifexist "ChineseSimplified.isl"
Name: "chinese"; MessagesFile: "packaging\windows\ChineseSimplified.isl"
#endif

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; GroupDescription: "{cm:AdditionalIcons}"
Name: "association"; Description: "Offer APUS Chat for .gguf files"

[InstallDelete]
; An older version's libraries would be found before the new ones.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "dist\apus-chat\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\APUS Chat"; Filename: "{app}\apus-chat.exe"; AppUserModelID: "io.github.apus_chat.ApusChat"
Name: "{autodesktop}\APUS Chat"; Filename: "{app}\apus-chat.exe"; Tasks: desktopicon; AppUserModelID: "io.github.apus_chat.ApusChat"

[Registry]
Root: HKCU; Subkey: "Software\Classes\ApusChat.gguf"; ValueType: string; ValueData: "GGUF language model"; Flags: uninsdeletekey; Tasks: association
Root: HKCU; Subkey: "Software\Classes\ApusChat.gguf\shell\open\command"; ValueType: string; ValueData: """{app}\apus-chat.exe"" ""%1"""; Tasks: association
Root: HKCU; Subkey: "Software\Classes\.gguf\OpenWithProgids"; ValueType: string; ValueName: "ApusChat.gguf"; ValueData: ""; Flags: uninsdeletevalue; Tasks: association

[Run]
Filename: "{app}\apus-chat.exe"; Description: "{cm:LaunchProgram,APUS Chat}"; Flags: nowait postinstall skipifsilent

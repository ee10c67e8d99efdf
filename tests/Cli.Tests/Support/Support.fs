/// What the tests of the command line share: folders, processes, receipts.
module Cli.Tests.Support

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Threading.Tasks
open CellOS.Export.S3.Core
open Expecto

/// A folder of a test's own, gone when the test is.
type Folder() =
    let path = Directory.CreateTempSubdirectory("cellos-cli-").FullName
    member _.Path = path
    member _.At(name: string) = Path.Join(path, name)

    member this.Write(name: string, text: string) =
        let file = this.At name
        Directory.CreateDirectory(nonNull (Path.GetDirectoryName file)) |> ignore
        File.WriteAllText(file, text)
        file

    interface IDisposable with
        member _.Dispose() = Directory.Delete(path, true)

[<DllImport("libc", EntryPoint = "kill")>]
extern int private sendSignal(int pid, int signal)

[<DllImport("libc", EntryPoint = "mkfifo")>]
extern int private makePipe(string path, int mode)

let pipe (path: string) =
    if makePipe (path, 0o600) <> 0 then
        failtest $"no pipe could be made at {path}"

/// What a shell command writes; a failure of it is one of the test.
let shell (script: string) (argument: string) =
    let info =
        ProcessStartInfo("sh", [ "-c"; script; argument ], RedirectStandardOutput = true)

    use started = nonNull (Process.Start info)
    let output = started.StandardOutput.ReadToEnd()
    started.WaitForExit()

    if started.ExitCode <> 0 then
        failtest $"{script} ended with {started.ExitCode}"

    output

/// A file's text, whoever has it locked.
let textOf (path: string) = shell "cat \"$0\"" path

let private patience = TimeSpan.FromSeconds 60.

/// A process, of this tool or of this test program, which plays it, with these variables besides the ones that
/// are no business of the tool.
type Child(command: string, arguments: string seq, variables: (string * string) seq) =
    let info =
        ProcessStartInfo(command, RedirectStandardOutput = true, RedirectStandardError = true)

    do
        for name in List.ofSeq info.Environment.Keys do
            if name.StartsWith "CELLOS_" then
                info.Environment.Remove name |> ignore

        for name, value in variables do
            info.Environment[name] <- value

    do
        for argument in arguments do
            info.ArgumentList.Add argument

    let started = nonNull (Process.Start info)
    let error = started.StandardError.ReadToEndAsync()

    member _.Id = started.Id

    /// SIGKILL: nothing of the process runs on.
    member _.Kill() = started.Kill()

    member _.Signal(signal: int) =
        if sendSignal (started.Id, signal) <> 0 then
            failtest "the process takes no signal"

    /// The next line of standard output, or null at its end.
    member _.ReadLine() : Task<string | null> =
        task {
            let! line = started.StandardOutput.ReadLineAsync().WaitAsync patience
            return line
        }

    /// Exit code, the rest of standard output, standard error.
    member _.End() =
        task {
            let! output = started.StandardOutput.ReadToEndAsync().WaitAsync patience
            let! error = error.WaitAsync patience
            do! started.WaitForExitAsync().WaitAsync patience
            return struct (started.ExitCode, output, error)
        }

    interface IDisposable with
        member _.Dispose() =
            if not started.HasExited then
                started.Kill()

            started.Dispose()

let private beside (name: string) =
    Path.Combine(AppContext.BaseDirectory, name)

/// The folder of the repository.
let root =
    let rec up (folder: DirectoryInfo | null) =
        match folder with
        | null -> failwith "the repository's root was not found above the tests"
        | folder when File.Exists(Path.Combine(folder.FullName, "CellOS.Export.S3.sln")) -> folder.FullName
        | folder -> up folder.Parent

    up (DirectoryInfo AppContext.BaseDirectory)

/// The program that a project's build puts into its own folder.
let builtProgram (project: string) (name: string) =
    let configuration =
        (nonNull (DirectoryInfo(AppContext.BaseDirectory.TrimEnd('/', '\\')).Parent)).Name

    Path.Combine(root, project, "bin", configuration, "net10.0", $"{name}.dll")

/// The .NET tool as it is built, not the copy beside the tests.
let dotnetTool = [ "dotnet"; builtProgram "src/Cli" "cellos-export-s3" ]

/// The native tool, if CELLOS_TEST_TOOL names one.
let nativeTool =
    match Environment.GetEnvironmentVariable "CELLOS_TEST_TOOL" with
    | null
    | "" -> None
    | path when File.Exists path -> Some [ Path.GetFullPath path ]
    | path -> failwith $"CELLOS_TEST_TOOL: there is no file {path}"

/// The command of the tool under test: the native one if there is one.
let tool = Option.defaultValue dotnetTool nativeTool

/// True if the PATH has the command.
let has (command: string) =
    (Environment.GetEnvironmentVariable "PATH"
     |> Option.ofObj
     |> Option.defaultValue "")
        .Split
        ':'
    |> Array.exists (fun folder -> File.Exists(Path.Join(folder, command)))

/// The text as one word of a shell.
let quote (text: string) = "'" + text.Replace("'", "'\\''") + "'"

/// The command of the tool under test in a shell.
let quotedTool = tool |> List.map quote |> String.concat " "

/// One of the two builds of the tool with variables of its own.
let childOf (command: string list) (variables: (string * string) seq) (arguments: string seq) =
    new Child(command.Head, Seq.append command.Tail arguments, variables)

/// The tool with variables of its own.
let toolWith (variables: (string * string) seq) (arguments: string seq) = childOf tool variables arguments

/// The tool with variables of its own: exit code, standard output, standard error.
let runToolIn (variables: (string * string) seq) (arguments: string seq) =
    task {
        use child = toolWith variables arguments
        return! child.End()
    }

let runTool (arguments: string seq) = runToolIn [] arguments

/// This program, in one of the parts that `Parts` knows.
let playing (part: string) (arguments: string list) =
    new Child("dotnet", [ beside "Cli.Tests.dll"; "--play"; part ] @ arguments, [])

/// The same within a shell script, which has the command as `"$0" "$@"`.
let playingIn (script: string) (part: string) (arguments: string list) =
    new Child("sh", [ "-c"; script; "dotnet"; beside "Cli.Tests.dll"; "--play"; part ] @ arguments, [])

let receipt (name: string) = {
    TargetKind = "s3"
    TargetName = None
    Destination = $"s3://b/c/{name}"
    BytesWritten = 3L
    CellId = "c"
    ArtifactName = name
    Region = None
    ObjectUrl = None
    Sha256 = String('a', 64)
    Md5 = None
    Checksums = Map.empty
    ETag = None
    VersionId = None
    RequestId = None
    HostId = None
    DestinationChecked = true
    Integrity = "etag-md5"
    Attempts = 1
    StartedAt = DateTimeOffset.UnixEpoch
    CompletedAt = DateTimeOffset.UnixEpoch
}

let line (name: string) = Receipt.toJson (receipt name)

/// True if the process ignores the signal.
let ignores (signal: int) (pid: string) =
    File.ReadAllLines $"/proc/{pid}/status"
    |> Array.exists (fun line ->
        line.StartsWith "SigIgn:"
        && Convert.ToUInt64(line.Substring(7).Trim(), 16) &&& (1UL <<< signal - 1) <> 0UL)

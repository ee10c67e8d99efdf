/// What the tests of the packages share: the repository, folders, processes.
module Package.Tests.Support

open System
open System.Diagnostics
open System.IO
open System.Runtime.InteropServices
open System.Threading
open Expecto

let root =
    let rec up (folder: DirectoryInfo | null) =
        match folder with
        | null -> failwith "the repository's root was not found above the tests"
        | folder when File.Exists(Path.Combine(folder.FullName, "CellOS.Export.S3.sln")) -> folder.FullName
        | folder -> up folder.Parent

    up (DirectoryInfo AppContext.BaseDirectory)

let inRoot (path: string) = Path.Combine(root, path)

/// The packages that build.sh brought in.
let feed = inRoot ".feed"

/// A folder of a test's own, gone when the test is.
type Folder() =
    let path = Directory.CreateTempSubdirectory("cellos-package-").FullName
    member _.Path = path
    member _.At(name: string) = Path.Join(path, name)

    member this.Make(name: string) =
        Directory.CreateDirectory(this.At name).FullName

    member this.Write(name: string, text: string) =
        let file = this.At name
        Directory.CreateDirectory(nonNull (Path.GetDirectoryName file)) |> ignore
        File.WriteAllText(file, text)

    interface IDisposable with
        member _.Dispose() = Directory.Delete(path, true)

/// No process of these takes that long on a slow machine; one that hangs does not hang the tests.
let private patience = TimeSpan.FromMinutes 8.

/// The folder of the .NET that runs this, for programs which look for it.
let dotnetRoot =
    Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."))

/// Runs a command to its end with these variables set, or removed where the value is null. Exit code, and what it
/// wrote to both streams.
let run
    (folder: string)
    (variables: (string * (string | null)) list)
    (command: string)
    (arguments: string list)
    =
    task {
        let info =
            ProcessStartInfo(
                command,
                arguments,
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true
            )

        // No server of a build outlives its test, nor holds on to folders that are gone.
        let common: (string * (string | null)) list = [
            "MSBUILDDISABLENODEREUSE", "1"
            "UseSharedCompilation", "false"
            "DOTNET_CLI_USE_MSBUILD_SERVER", "0"
            "DOTNET_CLI_TELEMETRY_OPTOUT", "1"
            "DOTNET_NOLOGO", "1"
            "DOTNET_ROOT", dotnetRoot
            // `dotnet test` sets this for its programs, and MSBuild would take it for its own.
            "MSBuildSDKsPath", null
        ]

        for name, value in common @ variables do
            match value with
            | null -> info.Environment.Remove name |> ignore
            | value -> info.Environment[name] <- value

        use started = nonNull (Process.Start info)
        use late = new CancellationTokenSource(patience)

        try
            let output = started.StandardOutput.ReadToEndAsync late.Token
            let error = started.StandardError.ReadToEndAsync late.Token
            do! started.WaitForExitAsync late.Token
            let! output = output
            let! error = error
            return struct (started.ExitCode, output, error)
        finally
            if not started.HasExited then
                started.Kill true
    }

/// Standard output of a command that must succeed.
let succeeds folder variables command arguments =
    task {
        let! struct (code, output, error) = run folder variables command arguments
        let line = String.concat " " (command :: arguments)
        Expect.equal code 0 $"{line} succeeds:\n{output}\n{error}"
        return output
    }

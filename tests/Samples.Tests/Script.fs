/// Runs the scripts as their users do: with `dotnet fsi`, from another folder than the repository's.
module Samples.Tests.Script

open System
open System.Diagnostics
open System.IO
open System.Text
open System.Threading
open System.Threading.Tasks
open Expecto

/// What a script said, and what it ended with.
type Ran = {
    Code: int
    Output: string
    Error: string
}

let root =
    Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "..", ".."))

/// Two at a time: each is a compiler of its own.
let private turns = new SemaphoreSlim(2)

let private patience = TimeSpan.FromSeconds 120.

/// A folder of a test's own, gone when the test is.
type Folder() =
    let path = Directory.CreateTempSubdirectory("cellos-samples-").FullName
    member _.Path = path
    member _.At(name: string) = Path.Join(path, name)

    member this.Write(name: string, text: string) =
        File.WriteAllText(this.At name, text)
        this.At name

    interface IDisposable with
        member _.Dispose() = Directory.Delete(path, true)

/// Runs a program in a folder, without any variable of this library but the given ones.
let start
    (folder: string)
    (variables: (string * string) list)
    (program: string)
    (arguments: string list)
    (input: string)
    : Task<Ran> =
    task {
        let info =
            ProcessStartInfo(
                program,
                arguments,
                WorkingDirectory = folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                StandardInputEncoding = UTF8Encoding false
            )

        for name in List.ofSeq info.Environment.Keys do
            if name.StartsWith "CELLOS_" then
                info.Environment.Remove name |> ignore

        for name, value in variables do
            info.Environment[name] <- value

        do! turns.WaitAsync()

        try
            use started = nonNull (Process.Start info)
            use limit = new CancellationTokenSource(patience)
            let output = started.StandardOutput.ReadToEndAsync()
            let error = started.StandardError.ReadToEndAsync()

            try
                do! started.StandardInput.WriteAsync input
                started.StandardInput.Close()
            with :? IOException ->
                // A script that refuses its arguments does not wait for what it is not asking for.
                ()

            try
                do! started.WaitForExitAsync limit.Token
            finally
                if not started.HasExited then
                    started.Kill true

            let! output = output
            let! error = error

            return {
                Code = started.ExitCode
                Output = output
                Error = error
            }
        finally
            turns.Release() |> ignore
    }

/// Runs the script of this path.
let runFile (path: string) (variables: (string * string) list) (arguments: string list) (input: string) =
    task {
        use folder = new Folder()
        return! start folder.Path variables "dotnet" ("fsi" :: path :: arguments) input
    }

/// Runs a sample with these arguments and this standard input.
let runWith (variables: (string * string) list) (name: string) (arguments: string list) (input: string) =
    runFile (Path.Combine(root, "samples", name + ".fsx")) variables arguments input

let run (name: string) (arguments: string list) (input: string) = runWith [] name arguments input

let succeeds (ran: Ran) =
    Expect.equal (ran.Code, ran.Error.Trim()) (0, "") ran.Output

/// That it refused its arguments and said how it is called.
let isMisused (ran: Ran) =
    Expect.equal ran.Code 2 (ran.Output + ran.Error)
    Expect.equal ran.Output "" "nothing came of it"
    Expect.stringContains ran.Error "usage: dotnet fsi samples/" "how it is called"

/// That all of these texts are in what it wrote.
let says (texts: string list) (ran: Ran) =
    for text in texts do
        Expect.stringContains ran.Output text "it tells"

/// That neither stream holds a secret, in any case.
let hides (secrets: string list) (ran: Ran) =
    for secret in secrets do
        let shown = ran.Output + ran.Error

        Expect.isFalse
            (shown.Contains(secret, StringComparison.OrdinalIgnoreCase))
            $"no '{secret}' in {shown}"

/// The server's process, seen from the exporter's.
module Soak.Store

open System
open System.Collections.Generic
open System.Diagnostics
open System.IO
open System.Text
open System.Threading
open System.Threading.Tasks
open LoopbackS3

let bucket = "evidence"

type Put = {
    Attempt: int
    /// None where the connection was cut instead, or the client left first.
    Status: int option
    Fault: string option
}

type Stored = { Length: int64; Sha256: string }

/// All that the server saw, by key.
type Report = {
    Puts: Dictionary<string, Put list>
    Objects: Dictionary<string, Stored>
}

let private optional (text: string) = if text = "" then None else Some text

let private read (line: string) (report: Report) =
    match line.Split '\t' with
    | [| "put"; key; attempt; status; fault |] ->
        let put = {
            Attempt = int attempt
            Status = optional status |> Option.map int
            Fault = optional fault
        }

        // In the order of their arrival.
        report.Puts[key] <- report.Puts.GetValueOrDefault(key, []) @ [ put ]
    | [| "object"; key; length; sha256 |] ->
        report.Objects[key] <-
            {
                Length = int64 length
                Sha256 = sha256
            }
    | _ -> invalidOp $"The server said '%s{line}'."

/// Starts this program once more, as the server.
type Store(seed: int) =
    let childProcess =
        let host = Environment.ProcessPath |> Option.ofObj |> Option.get
        let start = ProcessStartInfo(host)

        if Path.GetFileNameWithoutExtension host = "dotnet" then
            start.ArgumentList.Add(Reflection.Assembly.GetExecutingAssembly().Location)

        start.ArgumentList.Add "serve"
        start.ArgumentList.Add(string seed)
        start.RedirectStandardInput <- true
        start.RedirectStandardOutput <- true
        start.StandardInputEncoding <- UTF8Encoding false
        start.StandardOutputEncoding <- UTF8Encoding false

        match Process.Start start with
        | null -> invalidOp "The server could not be started."
        | started -> started

    let line () =
        task {
            match! childProcess.StandardOutput.ReadLineAsync() with
            | null -> return invalidOp "The server has ended."
            | line -> return line
        }

    let mutable endpoint = Uri "http://127.0.0.1/"
    let mutable signed = 0
    let options = LoopbackS3Options()

    member _.ProcessId = childProcess.Id
    member _.Endpoint = endpoint

    member _.ReadyAsync() =
        task {
            let! said = line ()

            match said.Split '\t' with
            | [| "ready"; url |] -> endpoint <- Uri url
            | _ -> invalidOp $"The server said '%s{said}'."
        }

    /// A URL that is good for an hour, or was until an hour ago. Another one each time, by some seconds: a broker that
    /// signs twice in one second would give the same, which is not tried again once it has expired.
    member _.Presign(key: string, headers: IReadOnlyDictionary<string, string> | null, isExpired: bool) =
        let more = TimeSpan.FromSeconds(float (Interlocked.Increment &signed % 600))

        let signedAt =
            if isExpired then DateTimeOffset.UtcNow.AddHours -2. else DateTimeOffset.UtcNow

        Presigner.Presign(
            "PUT",
            endpoint,
            bucket,
            key,
            options.AccessKey,
            options.SecretKey,
            options.Region,
            signedAt,
            TimeSpan.FromHours 1. + more,
            headers
        )

    member _.ReportAsync() : Task<Report> =
        task {
            do! childProcess.StandardInput.WriteLineAsync "report"
            do! childProcess.StandardInput.FlushAsync()

            let report = {
                Puts = Dictionary()
                Objects = Dictionary()
            }

            let mutable going = true

            while going do
                match! line () with
                | "end" -> going <- false
                | said -> read said report

            return report
        }

    interface IDisposable with
        member _.Dispose() =
            // It ends by itself when its input does; if not, by its own id.
            childProcess.StandardInput.Close()

            if not (childProcess.WaitForExit 5000) then
                childProcess.Kill()
                childProcess.WaitForExit()

            childProcess.Dispose()

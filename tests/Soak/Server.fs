/// The S3 server, in a process of its own: what it holds is not counted among the exporter's handles and memory.
///
/// A line protocol. It says `ready<TAB>URL` first; for each line `report` that it reads it tells of all requests
/// (`put<TAB>KEY<TAB>ATTEMPT<TAB>STATUS<TAB>FAULT`, both may be empty) and all objects
/// (`object<TAB>KEY<TAB>LENGTH<TAB>SHA256`), and then `end`. It ends when its standard input does, which is also when
/// whoever started it is gone.
module Soak.Server

open System
open System.Collections.Concurrent
open System.Collections.Generic
open System.IO
open System.Text
open LoopbackS3

/// An upload with this user agent is the test's own, and nothing strikes it.
let quietAgent = "soak-preparation"

let private utf8 = UTF8Encoding false

let run (seed: int) =
    task {
        use input = new StreamReader(Console.OpenStandardInput(), utf8)
        use output = new StreamWriter(Console.OpenStandardOutput(), utf8)

        use! server =
            LoopbackS3Server.StartAsync(LoopbackS3Options(Retention = Retention.DigestsOnly))

        let struck = ConcurrentDictionary<struct (string * int), string>()
        let cases = Faults.all server.Endpoint

        server.OnAttempt <-
            fun request ->
                if request.Headers.GetValueOrDefault("User-Agent", "") = quietAgent then
                    null
                else
                    match Faults.strike cases seed request with
                    | None -> null
                    | Some(case, fault) ->
                        struck[struct (request.Key, request.Attempt)] <- case.Name
                        fault

        let report () =
            for request in server.Requests do
                let fault = struck.GetValueOrDefault(struct (request.Key, request.Attempt), "")

                let status = if request.Status.HasValue then string request.Status.Value else ""

                output.WriteLine $"put\t%s{request.Key}\t%d{request.Attempt}\t%s{status}\t%s{fault}"

            for KeyValue(struct (_, key), stored) in server.Objects do
                output.WriteLine $"object\t%s{key}\t%d{stored.Length}\t%s{stored.Sha256}"

            output.WriteLine "end"

        output.WriteLine $"ready\t%O{server.Endpoint}"
        do! output.FlushAsync()
        let mutable going = true

        while going do
            match! input.ReadLineAsync() with
            | null -> going <- false
            | "report" ->
                report ()
                do! output.FlushAsync()
            | line -> invalidOp $"There is no command %s{line}."
    }

/// The laws of the fault lab over scripts of faults that nobody thought of.
module Facade.Tests.FaultScriptTests

open System
open System.Collections.Concurrent
open System.Threading
open System.Threading.Tasks
open CellOS.Export
open CellOS.Export.S3
open CellOS.Export.S3.Core.Tests
open Expecto
open FsCheck
open FsCheck.FSharp
open Facade.Tests.FaultLab
open Facade.Tests.FaultLaws
open Facade.Tests.Support
open LoopbackS3

/// A success that comes before the body. Where nobody waits for 100 Continue the body is on its way by then, and no
/// client can tell that the server will drop it.
let private early = "early success, lost"

/// Faults that take no time.
let private faults: (string * Fault) list = [
    "none", Fault.None
    "500", Fault.Status(500)
    "503 at once", Fault.Status(503, "SlowDown", beforeBody = true)
    "503 soon", Fault.Status(503, "SlowDown", retryAfter = "0")
    "429", Fault.Status(429)
    "400 RequestTimeout", Fault.Status(400, "RequestTimeout")
    "400 BadDigest", Fault.Status(400, "BadDigest")
    "409", Fault.Status(409, "OperationAborted")
    "403", Fault.Status(403, "AccessDenied")
    "403 at once", Fault.Status(403, "AccessDenied", beforeBody = true)
    "412", Fault.Status(412, "PreconditionFailed")
    "307", Fault.Redirect(307, Uri "http://127.0.0.1:9/elsewhere")
    "reset at 0", Fault.ResetBeforeBody
    "reset at 1", Fault.ResetWithinBody 1L
    "reset within", Fault.ResetWithinBody 70_000L
    "reset after, lost", Fault.ResetAfterBody false
    "reset after, stored", Fault.ResetAfterBody true
    "end after, lost", Fault.CloseAfterBody false
    "end after, stored", Fault.CloseAfterBody true
    "wrong ETag", Fault.WrongETag
    "KMS", Fault.KmsETag
    "flipped bit", Fault.Corrupt
    early, Fault.EarlySuccess false
    "half a head", Fault.RawReply("HTTP/1.1 200 OK\r\nETa"B)
    "no HTTP", Fault.RawReply("+OK\r\n"B)
    "HTML", Fault.BrokenErrorBody(502, BrokenBody.Html)
    "bomb", Fault.BrokenErrorBody(503, BrokenBody.DoctypeBomb)
    "endless", Fault.EndlessErrorBody()
]

let private byName = dict faults

/// What the server does to each attempt, and how the sink is set up.
type private Script = {
    Faults: string list
    Integrity: S3ExportIntegrity
    WriteOnce: bool
    Attempts: int
    Size: int
}

let private expectFrom = 100_000

let private anyFault =
    Gen.frequency [ 1, Gen.constant "none"; 4, Gen.elements (List.map fst faults) ]

let private scripts =
    gen {
        let! attempts = Gen.choose (1, 4)
        let! faults = Gen.listOfLength attempts anyFault
        let! integrity = Gen.elements (List.ofArray (Enum.GetValues<S3ExportIntegrity>()))
        let! writeOnce = Gen.elements [ false; true ]

        let! size =
            Gen.elements [ 0; 1; 1000; 65_536; 65_537; expectFrom - 1; expectFrom; 250_000 ]

        return {
            Faults = [
                for name in faults -> if name = early && size < expectFrom then "none" else name
            ]
            Integrity = integrity
            WriteOnce = writeOnce
            Attempts = attempts
            Size = size
        }
    }

/// One server for all cases, and one sink for each set-up, so that a push meets the connections that others left.
type private Shared() =
    let server =
        LoopbackS3Server.StartAsync(LoopbackS3Options()).GetAwaiter().GetResult()

    let urls = ConcurrentDictionary<string, string>()
    let sinks = ConcurrentDictionary<Setup, PresignedS3ExportSink>()
    let folder = new Folder()
    let files = ConcurrentDictionary<int, string * byte[]>()
    let log = LogBook()

    let provider =
        Func<PresignedUrlRequest, CancellationToken, ValueTask<string>>(fun request _ ->
            ValueTask<string>(
                urls.GetOrAdd(request.Key, (fun key -> server.Presign("PUT", request.Bucket, key)))
            ))

    let make setup =
        new PresignedS3ExportSink(optionsOf setup null provider null, TimeProvider.System, log)

    // Its cases come one by one, and nobody knows which is the last.
    do AppDomain.CurrentDomain.ProcessExit.Add(fun _ -> (folder :> IDisposable).Dispose())

    member _.Server = server

    /// A file of this size, and what is in it.
    member _.File(size: int) =
        files.GetOrAdd(
            size,
            (fun size ->
                let content = patterned size
                folder.Write($"f{size}", content), content)
        )

    /// Exports the file under a name that nobody has used, and holds the push against the laws.
    member this.Push(setup: Setup, artifact: string, size: int) =
        task {
            let sink = sinks.GetOrAdd(setup, make)
            let path, content = this.File size
            let! run = timed (fun () -> log.Lines) (fun () -> sink.PushAsync(artifact, path))
            let key = keyOf artifact
            let account = accountOf server key
            obeysTheLaws setup urls[key] key content account run
            return run.Outcome, account
        }

let private setupOf (script: Script) = {
    setup with
        Attempts = script.Attempts
        Integrity = script.Integrity
        WriteOnce = script.WriteOnce
        ExpectFrom = Some(int64 expectFrom)
}

/// True if the success of this fault reports the digest of other bytes.
let private reportsOther (name: string) =
    List.contains name [ "flipped bit"; "wrong ETag" ]

/// What can be said of how a push ends, whatever the script is.
let private isPlausible (script: Script) outcome (account: Account) =
    match outcome with
    | Ok(receipt: ExportReceipt) ->
        Expect.equal receipt.Attempts account.Requests.Length "the server saw every attempt"
    | Error(failure: ExportException) ->
        Expect.equal failure.Attempts account.Requests.Length "the server saw every attempt"

        let met = script.Faults |> List.truncate failure.Attempts

        // The other half of the law: what the server stored, and said so, has a receipt.
        for index, (name, request) in List.indexed (List.zip met account.Requests) do
            // After other bytes, only a digest shows that the object is the one that was sent.
            let hasOtherBytes =
                script.Integrity <> S3ExportIntegrity.Off
                && met |> List.truncate index |> List.exists reportsOther

            let isConfirmed =
                name = "none"
                || name = "KMS"
                   && script.Integrity <> S3ExportIntegrity.Require
                   && not hasOtherBytes

            Expect.isFalse
                (isConfirmed && request.Status = Some 200 && request.IsAfterBody)
                $"the server stored it and said so, but: {failure.Message}"

        if failure.Kind = ExportFailureKind.Unverified then
            Expect.equal script.Integrity S3ExportIntegrity.Require "a confirmation is required"
        elif met |> List.forall ((=) "none") then
            failtest $"nothing went wrong, but: {failure.Message}"

let private oneByOne =
    let shared = lazy (new Shared())
    let count = ref 0

    Config.propertyTimes
        150
        "whatever happens to the attempts of a push, the laws hold"
        scripts
        (fun script ->
            let server = shared.Value
            let artifact = $"a{Interlocked.Increment count}"

            server.Server.Misbehave(bucket, keyOf artifact, [| for name in script.Faults -> byName[name] |])

            (task {
                let! outcome, account = server.Push(setupOf script, artifact, script.Size)
                isPlausible script outcome account
            })
                .GetAwaiter()
                .GetResult())

let private sixteen =
    let shared = lazy (new Shared())
    let count = ref 0

    let cases =
        gen {
            let! seed = Gen.choose (0, Int32.MaxValue - 1)
            let! script = scripts
            return seed, script
        }

    Config.propertyTimes
        8
        "whatever happens to 16 pushes at once, the laws hold for each"
        cases
        (fun (seed, script) ->
            let server = shared.Value
            let batch = Interlocked.Increment count

            // The same for the same attempt of the same artifact, in whatever order they come.
            server.Server.OnAttempt <-
                fun request ->
                    let chance = Random(HashCode.Combine(seed, request.Key, request.Attempt))
                    // Half of all attempts are let through.
                    let name, fault = faults[chance.Next faults.Length]

                    if chance.Next 2 = 0 || (name = early && not request.ExpectContinue) then
                        null
                    else
                        fault

            let pushes = [
                for i in 1..16 ->
                    Task.Run<unit>(fun () ->
                        task {
                            let! outcome, account =
                                server.Push(setupOf script, $"b{batch}/{i}", script.Size + i)

                            match outcome with
                            | Ok receipt -> Expect.equal receipt.Attempts account.Requests.Length "attempts"
                            | Error failure ->
                                Expect.equal failure.Attempts account.Requests.Length "attempts"
                        })
            ]

            Task.WhenAll(pushes).GetAwaiter().GetResult() |> ignore)

[<Tests>]
let tests = testList "a script of faults" [ oneByOne; sixteen ]

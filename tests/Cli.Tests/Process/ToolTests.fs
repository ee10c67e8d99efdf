module Cli.Tests.ToolTests

open System
open System.IO
open System.Threading
open System.Threading.Tasks
open CellOS.Export.S3.Cli
open CellOS.Export.S3.Cli.Arguments
open Cli.Tests.Support
open Expecto

let private handlers (push: CancellationToken -> Task<int>) =
    Handlers(
        Func<CheckArguments, int>(fun _ -> 0),
        Func<PushArguments, CancellationToken, Task<int>>(fun _ token -> push token),
        Func<DrainArguments, CancellationToken, Task<int>>(fun _ token -> push token),
        Func<VerifyArguments, CancellationToken, Task<int>>(fun _ token -> push token)
    )

let private run (push: CancellationToken -> Task<int>) =
    task {
        use error = new StringWriter()

        let! code =
            Tool.RunAsync(
                [| "push"; "--spec"; "s"; "--cell-id"; "c" |],
                handlers push,
                TextWriter.Null,
                error
            )

        return code, error.ToString()
    }

/// Played by a process of its own: a push that ends when it is interrupted, or does not care.
let pushUntilInterrupted (stubborn: bool) =
    let push (token: CancellationToken) =
        task {
            Console.WriteLine "begun"

            try
                do! Task.Delay(Timeout.Infinite, token)
            with :? OperationCanceledException ->
                Console.WriteLine "cancelled"

                if stubborn then
                    do! Task.Delay Timeout.Infinite

            token.ThrowIfCancellationRequested()
            return 0
        }

    Tool.RunAsync([| "push"; "--spec"; "s"; "--cell-id"; "c" |], handlers push, Console.Out, Console.Error)

/// A process that was started in the background of a shell ignores SIGINT, one that was started by nohup ignores
/// SIGHUP, and so do its children.
let requireNotIgnored (signal: int) =
    if ignores signal "self" then
        skiptest "the signal is ignored here"

let private sighup, private sigint, private sigterm = 1, 2, 15

[<Tests>]
let tests =
    testList "the tool" [
        testCaseTask "a handler's code is the tool's" (fun () ->
            task {
                for expected in [ 0; 1 ] do
                    let! code, error = run (fun _ -> Task.FromResult expected)
                    Expect.equal code expected "the code"
                    Expect.equal error "" "nothing to say"
            })

        testCaseTask "a refusal is 2, with each of its sentences" (fun () ->
            task {
                let! code, error =
                    run (fun _ -> raise (RefusedException [| "One."; "Two\nlines." |]))

                Expect.equal code 2 "refused"

                Expect.equal
                    (error.TrimEnd().Split '\n' |> Array.map _.Trim())
                    [| "cellos-export-s3: One."; "cellos-export-s3: Two\\u000Alines." |]
                    "each on its line"
            })

        testCaseTask
            "an unexpected exception is 1 and says what to do, without a stack or a secret"
            (fun () ->
                task {
                    let! code, error =
                        run (fun _ ->
                            raise (
                                InvalidDataException
                                    "no https://h/x?X-Amz-Signature=abcdef0123456789\n   at somewhere"
                            ))

                    Expect.equal code 1 "failed"
                    Expect.hasLength (error.TrimEnd().Split '\n') 2 "what it was, and what to do"
                    Expect.stringContains error "InvalidDataException" "what it was"
                    Expect.stringContains error "What has a receipt is exported" "the results that there are"
                    Expect.stringContains error "--resume" "what to do"
                    Expect.isFalse (error.Contains "abcdef0123456789") "no secret"
                })

        testCaseTask "a cancellation that no signal asked for is no interruption" (fun () ->
            task {
                let! code, error = run (fun _ -> raise (OperationCanceledException "by nobody"))
                Expect.equal code 1 "failed"
                Expect.stringContains error "Unexpected" "said so"
            })

        for name, signal, expected in
            [ "SIGHUP", sighup, 129; "SIGINT", sigint, 130; "SIGTERM", sigterm, 143 ] do
            testCaseTask $"{name} ends a push cleanly, with {expected}" (fun () ->
                task {
                    requireNotIgnored signal

                    use child = playing "push" []
                    let! begun = child.ReadLine()
                    Expect.equal begun "begun" "it runs"
                    child.Signal signal
                    let! struct (code, output, error) = child.End()
                    Expect.equal code expected "the code"
                    Expect.equal (output.Trim()) "cancelled" "the push saw it"
                    Expect.stringContains error "Interrupted" "and says so"
                })

            testCaseTask $"a second {name} ends at once a push that does not end" (fun () ->
                task {
                    requireNotIgnored signal

                    use child = playing "stubborn-push" []
                    let! _ = child.ReadLine()
                    child.Signal signal
                    let! cancelled = child.ReadLine()
                    Expect.equal cancelled "cancelled" "the first one"
                    child.Signal signal
                    let! struct (code, _, _) = child.End()
                    Expect.equal code expected "the second one"
                })

        // .NET handles SIGTERM in any case.
        for name, signal in [ "SIGHUP", sighup; "SIGINT", sigint ] do
            testCaseTask $"a push that was started with {name} ignored, as by nohup, goes on" (fun () ->
                task {
                    let ignoring = $"trap '' {name.Substring 3}; exec \"$0\" \"$@\""
                    use child = playingIn ignoring "push" []
                    let! begun = child.ReadLine()
                    Expect.equal begun "begun" "it runs"
                    Expect.isTrue (ignores signal (string child.Id)) "it does not listen"
                    child.Signal signal
                    child.Signal sigterm
                    let! struct (code, output, _) = child.End()
                    Expect.equal code 143 "the code of the other one"
                    Expect.equal (output.Trim()) "cancelled" "cleanly"
                })
    ]

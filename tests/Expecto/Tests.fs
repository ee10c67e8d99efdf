namespace Expecto

open System
open System.Reflection
open System.Threading.Tasks

[<AutoOpen>]
module Tests =
    let failtest (message: string) : 'a = raise (AssertException message)

    let failtestf format : 'a = Printf.ksprintf failtest format

    let skiptest (message: string) : 'a = raise (IgnoreException message)

    let skiptestf format : 'a = Printf.ksprintf skiptest format

    let private labelled state name test = TestLabel(name, test, state)

    let private case state name code =
        labelled state name (TestCase(code, state))

    let private list state name tests =
        labelled state name (TestList(tests, state))

    let testList (name: string) (tests: Test list) = list Normal name tests
    let ptestList (name: string) (tests: Test list) = list Pending name tests

    let testCase (name: string) (test: unit -> unit) = case Normal name (Sync test)
    let ptestCase (name: string) (test: unit -> unit) = case Pending name (Sync test)

    let testCaseAsync (name: string) (test: Async<unit>) = case Normal name (Async test)
    let ptestCaseAsync (name: string) (test: Async<unit>) = case Pending name (Async test)

    let private started (test: unit -> Task<unit>) =
        async { return! Async.AwaitTask(test ()) }

    let testCaseTask (name: string) (test: unit -> Task<unit>) = testCaseAsync name (started test)
    let ptestCaseTask (name: string) (test: unit -> Task<unit>) = ptestCaseAsync name (started test)

    type TestTaskBuilder(name: string, state: FocusState) =
        member _.Zero() = Task.FromResult()
        member _.Return(value: 'a) = Task.FromResult value
        member _.ReturnFrom(task: Task<'a>) = task
        member _.Delay(code: unit -> Task<'a>) = code
        member _.Run(code: unit -> Task<unit>) = case state name (Async(started code))

        member _.Bind(first: Task<'a>, next: 'a -> Task<'b>) =
            task {
                let! value = first
                return! next value
            }

        member _.Bind(first: Task, next: unit -> Task<'b>) =
            task {
                do! first
                return! next ()
            }

        member _.Combine(first: Task<unit>, next: unit -> Task<'a>) =
            task {
                do! first
                return! next ()
            }

        member _.While(condition, code: unit -> Task<unit>) =
            task {
                while condition () do
                    do! code ()
            }

        member _.For(items: 'i seq, code: 'i -> Task<unit>) =
            task {
                for item in items do
                    do! code item
            }

        member _.TryWith(code: unit -> Task<'a>, handler: exn -> Task<'a>) =
            task {
                try
                    return! code ()
                with e ->
                    return! handler e
            }

        member _.TryFinally(code: unit -> Task<'a>, last: unit -> unit) =
            task {
                try
                    return! code ()
                finally
                    last ()
            }

        member this.Using(resource: 'r :> IDisposable, code: 'r -> Task<'a>) =
            this.TryFinally((fun () -> code resource), resource.Dispose)

    let testTask (name: string) = TestTaskBuilder(name, Normal)
    let ptestTask (name: string) = TestTaskBuilder(name, Pending)

    /// These tests run one at a time, after all the others.
    let testSequenced (test: Test) = Test.Sequenced(Synchronous, test)

    type CLIArguments =
        | Sequenced
        | Parallel

    /// Runs what is marked with `[<Tests>]` in the program; gives the exit code.
    let runTestsInAssemblyWithCLIArgs (cliArgs: CLIArguments seq) (args: string[]) : int =
        let workers =
            if Seq.contains Sequenced cliArgs then 1 else Environment.ProcessorCount

        Runner.main (Assembly.GetEntryAssembly()) workers args

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
    let ftestList (name: string) (tests: Test list) = list Focused name tests
    let ptestList (name: string) (tests: Test list) = list Pending name tests

    let testCase (name: string) (test: unit -> unit) = case Normal name (Sync test)
    let ftestCase (name: string) (test: unit -> unit) = case Focused name (Sync test)
    let ptestCase (name: string) (test: unit -> unit) = case Pending name (Sync test)

    let testCaseAsync (name: string) (test: Async<unit>) = case Normal name (Async test)
    let ftestCaseAsync (name: string) (test: Async<unit>) = case Focused name (Async test)
    let ptestCaseAsync (name: string) (test: Async<unit>) = case Pending name (Async test)

    let private started (test: unit -> Task<unit>) =
        async { return! Async.AwaitTask(test ()) }

    let testCaseTask (name: string) (test: unit -> Task<unit>) = testCaseAsync name (started test)
    let ftestCaseTask (name: string) (test: unit -> Task<unit>) = ftestCaseAsync name (started test)
    let ptestCaseTask (name: string) (test: unit -> Task<unit>) = ptestCaseAsync name (started test)

    /// These tests run one at a time, after all the others.
    let testSequenced (test: Test) = Test.Sequenced(Synchronous, test)

    type CLIArguments =
        | Sequenced
        | Parallel
        | Parallel_Workers of number: int

    /// Runs what is marked with `[<Tests>]` in the program; gives the exit code.
    let runTestsInAssemblyWithCLIArgs (cliArgs: CLIArguments seq) (args: string[]) : int =
        let workers =
            (Environment.ProcessorCount, cliArgs)
            ||> Seq.fold (fun workers argument ->
                match argument with
                | Sequenced -> 1
                | Parallel -> workers
                | Parallel_Workers number -> number)

        (Runner.main (Assembly.GetEntryAssembly()) workers args).GetAwaiter().GetResult()

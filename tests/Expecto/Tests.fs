namespace Expecto

open System
open System.Reflection
open System.Threading.Tasks

[<AutoOpen>]
module Tests =
    let failtest (message: string) : 'a = raise (AssertException message)

    let failtestf format : 'a = Printf.ksprintf failtest format

    let skiptest (message: string) : 'a = raise (IgnoreException message)

    let private case name code = TestLabel(name, TestCase code)

    let testList (name: string) (tests: Test list) = TestLabel(name, TestList tests)

    let testCase (name: string) (test: unit -> unit) = case name (Sync test)

    let testCaseTask (name: string) (test: unit -> Task<unit>) =
        case name (Async(async { return! Async.AwaitTask(test ()) }))

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

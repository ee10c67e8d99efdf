namespace Expecto

open System
open System.Globalization

type FsCheckConfig = {
    maxTest: int
    startSize: int
    endSize: int
    /// Seed, gamma and size to begin with, as a failing property prints them.
    replay: (uint64 * uint64 * int option) option
    /// Types with static members that return `Arbitrary`; the first one wins.
    arbitrary: Type list
} with

    static member defaultConfig = {
        maxTest = 200
        startSize = 1
        endSize = 100
        replay = None
        arbitrary = []
    }

type TestCode =
    | Sync of (unit -> unit)
    | Async of Async<unit>

type SequenceMethod =
    | Synchronous
    | InParallel

type Test =
    | TestCase of code: TestCode
    | TestList of tests: Test list
    | TestLabel of label: string * test: Test
    | Sequenced of SequenceMethod * Test

type ExpectoException(message: string) =
    inherit Exception(message)

/// An expectation that does not hold.
type AssertException(message: string) =
    inherit ExpectoException(message)

/// A property that does not hold; the message says all, its stack nothing.
type FailedException(message: string) =
    inherit ExpectoException(message)

type IgnoreException(message: string) =
    inherit ExpectoException(message)

/// Marks a value of a module that is a `Test`.
[<AttributeUsage(AttributeTargets.Method ||| AttributeTargets.Property ||| AttributeTargets.Field)>]
type TestsAttribute() =
    inherit Attribute()

module internal Text =
    /// A value for people: what a terminal would act on or not show is written as F# writes it in a string.
    let show (value: 'a) =
        let visible c =
            match Char.GetUnicodeCategory c with
            | UnicodeCategory.Control when c = '\n' -> "\n"
            | UnicodeCategory.Control
            | UnicodeCategory.Format
            | UnicodeCategory.Surrogate
            | UnicodeCategory.LineSeparator
            | UnicodeCategory.ParagraphSeparator -> $"\\u%04X{int c}"
            | _ -> string c

        match box value with
        | :? string as text -> "\"" + (String.collect visible text).Replace("\n", "\\n") + "\""
        | _ -> sprintf "%A" value |> String.collect visible

    let unwrapped (e: exn) =
        match e with
        | :? AggregateException as all when all.InnerExceptions.Count = 1 -> all.InnerException
        | e -> e

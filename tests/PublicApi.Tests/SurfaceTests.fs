module PublicApi.Tests.SurfaceTests

open System
open System.IO
open Expecto
open PublicApi.Tests

let private isAsAccepted (library: string, folder: string) =
    testCase library (fun () ->
        let path = Files.pathOf (library, folder)

        match Files.check path (Surface.ofAssembly library) with
        | [] -> ()
        | changed ->
            let shown = String.concat "\n" changed

            failtest
                $"The public surface of {library} is not what {Path.GetFileName path} says. Is each of these changes meant, and told by CHANGELOG.md? Then ./build.sh accept-api writes them into the file.\n{shown}")

let private csharp =
    """
sealed record PublicApi.Fixture.Box
  Box.Box(string Name, int Size = 3)
  Box.Name { get; init; } -> string
  Box.Note { get; set; } -> string?
  required Box.Parts { get; init; } -> IReadOnlyList<string?>
  Box.Size { get; init; } -> int
[Flags] enum PublicApi.Fixture.Colours : byte
  Colours.None = 0
  Colours.Red = 1
  Colours.Blue = 2
[Experimental("FIX001")] static class PublicApi.Fixture.Extensions
  static Extensions.Choose<TItem>(this IEnumerable<TItem> items, Func<TItem, bool?> choice, out int index, DayOfWeek day = DayOfWeek.Monday, double weight = 0.5, TimeSpan wait = default, params string[] names) -> TItem where TItem : class, IShape<string>, new()
  static Extensions.Pair(in int value, ref string? text) -> (int, string?)
abstract class PublicApi.Fixture.Figure : IDisposable
  protected Figure.Figure(string? name)
  [Obsolete("Use Dispose.", false)] Figure.Close() -> void
  static readonly Figure.Count -> int
  virtual Figure.Dispose() -> void
  protected abstract Figure.DrawAsync(CancellationToken cancellationToken = default) -> Task<string?>
  override Figure.Equals(object? obj) -> bool
  override Figure.GetHashCode() -> int
  const Figure.Kind = "a \"figure\"" -> string
  Figure.Name { get; protected set; } -> string?
  override Figure.ToString() -> string
  static Figure.op_Equality(Figure? a, Figure? b) -> bool
  static Figure.op_Inequality(Figure? a, Figure? b) -> bool
sealed class PublicApi.Fixture.Figure.Inside
interface PublicApi.Fixture.IBase
interface PublicApi.Fixture.IShape<out T> : IBase where T : class
  event IShape.Changed -> EventHandler?
  IShape.Content { get; } -> T?
delegate PublicApi.Fixture.Namer(int number, string? fallback = null) -> string?
readonly struct PublicApi.Fixture.Point
  Point.Point(int x)
  Point.X { get; } -> int
"""

let private fsharp =
    """
record PublicApi.Shapes.Box, comparable
  field Box.Name: string
  field Box.Parts: (string * int) list
  field Box.Note: (string | null)
  static member Box.Of: name: string * ?note: string option -> Box
[RequireQualifiedAccess] module PublicApi.Shapes.Box
  literal Box.Limit = 3: int64
  val Box.empty: Box
  val Box.fold<'state> (compiled Fold): step: ('state -> string -> 'state) -> start: 'state * limit: int -> box: Box -> Result<'state, Box>
  val Box.pair: unit -> struct (int * string)
  val Box.|Empty|_|: box: Box -> unit option
[RequireQualifiedAccess] union PublicApi.Shapes.Colour, comparable
  case Colour.Red
  case Colour.Mixed of Base: Colour * Amount: float option
  member Colour.IsPure: bool
abstract class PublicApi.Shapes.Figure
  abstract Figure.Draw: TimeSpan -> unit
  member Figure.Name: string
  new Figure: name: string
[Struct, NoComparison, CustomEquality] struct PublicApi.Shapes.Opaque
  member Opaque.Equals: _arg1: (obj | null) -> bool
  member Opaque.GetHashCode: unit -> int
"""

/// The surface of small types with something of each sort, and the lines that it must have.
let private isShown (t: Type) (space: string) (expected: string) =
    let actual =
        t.Assembly.GetTypes()
        |> Seq.filter (fun t -> t.IsVisible && t.Namespace = space)
        |> Surface.linesOf

    let expected = (expected.Trim '\n').Split '\n' |> List.ofArray
    Expect.equal (String.concat "\n" (Surface.difference expected actual)) "" "no line differs"
    Expect.sequenceEqual actual expected "the lines"

let private withFile (lines: string list) (act: string -> unit) =
    let path = Path.GetTempFileName()

    try
        Files.write path lines
        act path
    finally
        File.Delete path

[<Tests>]
let tests =
    testList "the public surface" [
        testList "is as its file says" (List.map isAsAccepted Files.libraries)

        testCase "of C# is shown with all that a caller depends on" (fun () ->
            isShown typeof<PublicApi.Fixture.Box> "PublicApi.Fixture" csharp)

        testCase "of F# is shown in the terms of F#" (fun () ->
            isShown typeof<PublicApi.Shapes.Box> "PublicApi.Shapes" fsharp)

        testCase "has a change wherever a line does not stand in both" (fun () ->
            let before = [ "class A"; "  A.X -> int"; "  A.Y -> int"; "class B" ]
            let after = [ "class A"; "  A.X -> long"; "  A.Y -> int"; "class B"; "class C" ]

            Expect.sequenceEqual
                (Surface.difference before after)
                [ "- A.X -> int"; "+ A.X -> long"; "+ class C" ]
                "what is gone, and what is new"

            Expect.isEmpty (Surface.difference after after) "nothing"
            Expect.hasLength (Surface.difference before []) before.Length "all that is gone"

            Expect.hasLength
                (Surface.difference [ "a"; "b" ] [ "b"; "a" ])
                2
                "the order of a record's fields counts")

        testCase "is held against the file, and a missing file is an empty one" (fun () ->
            let lines = Surface.ofAssembly "CellOS.Export.S3.Core"
            Expect.isGreaterThan lines.Length 100 "there are lines"

            withFile lines (fun path ->
                Expect.isEmpty (Files.check path lines) "what was written is accepted"

                Expect.sequenceEqual
                    (Files.check path (List.tail lines))
                    [ $"- {lines.Head}" ]
                    "a line less"

                Expect.sequenceEqual (Files.check path (lines @ [ "x" ])) [ "+ x" ] "a line more"
                File.Delete path
                Expect.hasLength (Files.check path lines) lines.Length "all is new"))
    ]

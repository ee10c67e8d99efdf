/// Small types of F#, each with something that its surface has to show.
namespace PublicApi.Shapes

open System

[<RequireQualifiedAccess>]
type Colour =
    | Red
    | Mixed of Base: Colour * Amount: float option

    member this.IsPure = this.IsRed

type Box = {
    Name: string
    Parts: (string * int) list
    Note: string | null
} with

    static member Of(name: string, ?note: string) = {
        Name = name
        Parts = []
        Note = Option.toObj note
    }

[<Struct; NoComparison; CustomEquality>]
type Opaque = private {
    Secret: string
} with

    override _.Equals(_: obj) = false
    override _.GetHashCode() = 0

[<AbstractClass>]
type Figure(name: string) =
    member _.Name = name
    abstract Draw: TimeSpan -> unit

[<RequireQualifiedAccess>]
module Box =
    [<Literal>]
    let Limit = 3L

    let empty = Box.Of ""

    [<CompiledName("Fold")>]
    let fold (step: 'state -> string -> 'state) (start: 'state, limit: int) (box: Box) : Result<'state, Box> =
        ignore limit
        Ok(step start box.Name)

    let pair () : struct (int * string) = struct (0, "")

    let (|Empty|_|) (box: Box) = if box.Name = "" then Some() else None

    let internal hidden = 1

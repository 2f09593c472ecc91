// The public gRPC interoperability cases of grpc-go, whose HTTP/2 is its own. See run, beside this file.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/stats"
	"google.golang.org/grpc/status"

	"interop/messages"
)

const (
	caseTime       = 20 * time.Second
	initialName    = "x-grpc-test-echo-initial"
	initialValue   = "test_initial_metadata_value"
	trailingName   = "x-grpc-test-echo-trailing-bin"
	trailingValue  = "\xab\xab\xab"
	specialMessage = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
)

var (
	yes = &messages.BoolValue{Value: true}
	no  = &messages.BoolValue{}
)

// What failed. Thrown by must and its kin, caught by run.
type failure struct{ why string }

func main() {
	security := grpc.WithInsecure()
	if len(os.Args) > 2 {
		tls, err := credentials.NewClientTLSFromFile(os.Args[2], "")
		must(err)
		security = grpc.WithTransportCredentials(tls)
	}
	travelled := &wireLengths{}
	connection, err := grpc.Dial("127.0.0.1:"+os.Args[1], security, grpc.WithStatsHandler(travelled))
	must(err)
	for _, each := range cases(connection, travelled) {
		run(each.name, each.body)
	}
}

type namedCase struct {
	name string
	body func(context.Context)
}

func cases(connection *grpc.ClientConn, travelled *wireLengths) []namedCase {
	client := messages.NewTestServiceClient(connection)
	empty := &messages.Empty{}
	return []namedCase{
		{"empty_unary", func(ctx context.Context) {
			_, err := client.EmptyCall(ctx, empty)
			must(err)
		}},
		{"large_unary", func(ctx context.Context) {
			response, err := client.UnaryCall(ctx, large())
			must(err)
			equal(bytes.Equal(response.Payload.Body, make([]byte, 314159)), true)
		}},
		{"client_streaming", func(ctx context.Context) {
			stream, err := client.StreamingInputCall(ctx)
			must(err)
			for _, size := range []int{27182, 8, 1828, 45904} {
				must(stream.Send(&messages.StreamingInputCallRequest{Payload: zeros(size)}))
			}
			response, err := stream.CloseAndRecv()
			must(err)
			equal(response.AggregatedPayloadSize, int32(74922))
		}},
		{"server_streaming", func(ctx context.Context) {
			request := &messages.StreamingOutputCallRequest{}
			sizes := []int{31415, 9, 2653, 58979}
			for _, size := range sizes {
				request.ResponseParameters = append(request.ResponseParameters, &messages.ResponseParameters{Size: int32(size)})
			}
			stream, err := client.StreamingOutputCall(ctx, request)
			must(err)
			for _, size := range sizes {
				receives(stream, size)
			}
			ends(stream)
		}},
		{"ping_pong", func(ctx context.Context) {
			stream, err := client.FullDuplexCall(ctx)
			must(err)
			for _, round := range [][2]int{{31415, 27182}, {9, 8}, {2653, 1828}, {58979, 45904}} {
				must(stream.Send(asking(round[0], round[1])))
				receives(stream, round[0])
			}
			must(stream.CloseSend())
			ends(stream)
		}},
		{"empty_stream", func(ctx context.Context) {
			stream, err := client.FullDuplexCall(ctx)
			must(err)
			must(stream.CloseSend())
			ends(stream)
		}},
		{"cancel_after_begin", func(ctx context.Context) {
			ctx, cancel := context.WithCancel(ctx)
			stream, err := client.StreamingInputCall(ctx)
			must(err)
			cancel()
			_, err = stream.CloseAndRecv()
			fails(err, codes.Canceled)
		}},
		{"cancel_after_first_response", func(ctx context.Context) {
			ctx, cancel := context.WithCancel(ctx)
			stream, err := client.FullDuplexCall(ctx)
			must(err)
			must(stream.Send(asking(31415, 27182)))
			receives(stream, 31415)
			cancel()
			_, err = stream.Recv()
			fails(err, codes.Canceled)
		}},
		{"timeout_on_sleeping_server", func(ctx context.Context) {
			ctx, cancel := context.WithTimeout(ctx, time.Millisecond)
			defer cancel()
			stream, err := client.FullDuplexCall(ctx)
			if err == nil {
				request := asking(1, 27182)
				request.ResponseParameters[0].IntervalUs = 10_000_000
				stream.Send(request) // the deadline may have passed; Recv says so
				_, err = stream.Recv()
			}
			fails(err, codes.DeadlineExceeded)
		}},
		{"custom_metadata", func(ctx context.Context) {
			ctx = metadata.AppendToOutgoingContext(ctx, initialName, initialValue, trailingName, trailingValue)
			var initial, trailing metadata.MD
			_, err := client.UnaryCall(ctx, large(), grpc.Header(&initial), grpc.Trailer(&trailing))
			must(err)
			equal(initial.Get(initialName), []string{initialValue})
			equal(trailing.Get(trailingName), []string{trailingValue})

			stream, err := client.FullDuplexCall(ctx)
			must(err)
			must(stream.Send(asking(314159, 271828)))
			receives(stream, 314159)
			must(stream.CloseSend())
			ends(stream)
			initial, err = stream.Header()
			must(err)
			equal(initial.Get(initialName), []string{initialValue})
			equal(stream.Trailer().Get(trailingName), []string{trailingValue})
		}},
		{"status_code_and_message", func(ctx context.Context) {
			asked := &messages.EchoStatus{Code: int32(codes.Unknown), Message: "test status message"}
			_, err := client.UnaryCall(ctx, &messages.SimpleRequest{ResponseStatus: asked})
			failsWith(err, codes.Unknown, asked.Message)
			stream, err := client.FullDuplexCall(ctx)
			must(err)
			must(stream.Send(&messages.StreamingOutputCallRequest{ResponseStatus: asked}))
			_, err = stream.Recv()
			failsWith(err, codes.Unknown, asked.Message)
		}},
		{"special_status_message", func(ctx context.Context) {
			_, err := client.UnaryCall(ctx, &messages.SimpleRequest{ResponseStatus: &messages.EchoStatus{Code: int32(codes.Unknown), Message: specialMessage}})
			failsWith(err, codes.Unknown, specialMessage)
		}},
		{"unimplemented_method", func(ctx context.Context) {
			_, err := client.UnimplementedCall(ctx, empty)
			fails(err, codes.Unimplemented)
		}},
		{"unimplemented_service", func(ctx context.Context) {
			_, err := messages.NewUnimplementedServiceClient(connection).UnimplementedCall(ctx, empty)
			fails(err, codes.Unimplemented)
		}},
		{"client_compressed_unary", func(ctx context.Context) {
			compressed, plain := large(), large()
			compressed.ExpectCompressed, plain.ExpectCompressed = yes, no
			_, err := client.UnaryCall(ctx, compressed)
			fails(err, codes.InvalidArgument)
			_, err = client.UnaryCall(ctx, plain, grpc.UseCompressor(gzip.Name))
			fails(err, codes.InvalidArgument)
			_, err = client.UnaryCall(ctx, compressed, grpc.UseCompressor(gzip.Name))
			must(err)
			_, err = client.UnaryCall(ctx, plain)
			must(err)
		}},
		{"server_compressed_unary", func(ctx context.Context) {
			compressed, plain := large(), large()
			compressed.ResponseCompressed, plain.ResponseCompressed = yes, no
			// Debian's grpc-go reads gzip and does not say so by itself.
			accepting := metadata.AppendToOutgoingContext(ctx, "grpc-accept-encoding", gzip.Name)
			_, err := client.UnaryCall(accepting, compressed)
			must(err)
			equal(travelled.last < 31415, true)
			_, err = client.UnaryCall(accepting, plain)
			must(err)
			equal(travelled.last > 314159, true)
			// Who has not said that it reads gzip is sent none, whatever it asks for.
			_, err = client.UnaryCall(ctx, compressed)
			must(err)
			equal(travelled.last > 314159, true)
		}},
	}
}

func run(name string, body func(context.Context)) {
	ctx, cancel := context.WithTimeout(context.Background(), caseTime)
	defer cancel()
	defer func() {
		switch thrown := recover().(type) {
		case nil:
			fmt.Println("pass", name)
		case failure:
			fmt.Printf("fail %s: %q\n", name, thrown.why)
		default:
			panic(thrown)
		}
	}()
	body(ctx)
}

func zeros(size int) *messages.Payload { return &messages.Payload{Body: make([]byte, size)} }

func large() *messages.SimpleRequest {
	return &messages.SimpleRequest{ResponseSize: 314159, Payload: zeros(271828)}
}

func asking(size, sent int) *messages.StreamingOutputCallRequest {
	return &messages.StreamingOutputCallRequest{ResponseParameters: []*messages.ResponseParameters{{Size: int32(size)}}, Payload: zeros(sent)}
}

func receives(stream messages.TestService_StreamingOutputCallClient, size int) {
	response, err := stream.Recv()
	must(err)
	equal(len(response.Payload.Body), size)
}

func ends(stream messages.TestService_StreamingOutputCallClient) {
	_, err := stream.Recv()
	equal(err, io.EOF)
}

func must(err error) {
	if err != nil {
		panic(failure{err.Error()})
	}
}

func fails(err error, code codes.Code) { equal(status.Code(err), code) }

func failsWith(err error, code codes.Code, message string) {
	fails(err, code)
	equal(status.Convert(err).Message(), message)
}

func equal(found, expected interface{}) {
	if fmt.Sprint(found) != fmt.Sprint(expected) {
		panic(failure{fmt.Sprintf("expected %v, found %v", expected, found)})
	}
}

// How long the last message was on the wire: the only witness of compression that an application has.
type wireLengths struct{ last int }

func (w *wireLengths) HandleRPC(_ context.Context, event stats.RPCStats) {
	if message, ok := event.(*stats.InPayload); ok {
		w.last = message.WireLength
	}
}

func (*wireLengths) TagRPC(ctx context.Context, _ *stats.RPCTagInfo) context.Context   { return ctx }
func (*wireLengths) TagConn(ctx context.Context, _ *stats.ConnTagInfo) context.Context { return ctx }
func (*wireLengths) HandleConn(context.Context, stats.ConnStats)                       {}

package catalogue

import (
	"time"

	"github.com/roomcast/roomcast/notify"
)

// Job is the progress of a job. Type "job:<status>", no default target, priority normal, high for
// failed.
type Job struct {
	JobID string `json:"jobId"` // required
	// required: started, processing, progress, completed or failed
	Status     string         `json:"status"`
	JobType    string         `json:"jobType"`    // such as "report"
	UserID     string         `json:"userId"`     // the user who started the job
	Progress   float64        `json:"progress"`   // 0 to 100 %; for 0 use Data
	Message    string         `json:"message"`    // a text for users
	Result     any            `json:"result"`     // any JSON
	Error      string         `json:"error"`      // the reason of a failure
	DurationMs int            `json:"durationMs"` // in ms
	Data       map[string]any `json:"-"`          // more fields of data
	Metadata   map[string]any `json:"-"`          // more metadata
}

// Build implements notify.Typed.
func (j Job) Build() (notify.Notification, notify.Target, error) { return build(j) }

// VideoProcessing is the progress of processing a video. Type "job:<status>" with jobType
// "video-processing", no default target, priority normal, high for failed.
type VideoProcessing struct {
	VideoID string `json:"videoId"` // required
	// required: started, processing, completed or failed
	Status string `json:"status"`
	// VideoID if it is empty, so that every job has a jobId
	JobID        string         `json:"jobId"`
	Progress     float64        `json:"progress"` // 0 to 100 %; for 0 use Data
	Title        string         `json:"title"`
	URL          string         `json:"url"` // the address of the video
	ThumbnailURL string         `json:"thumbnailUrl"`
	Error        string         `json:"error"`      // the reason of a failure
	DurationMs   int            `json:"durationMs"` // in ms
	Data         map[string]any `json:"-"`          // more fields of data
	Metadata     map[string]any `json:"-"`          // more metadata
}

// Build implements notify.Typed.
func (v VideoProcessing) Build() (notify.Notification, notify.Target, error) { return build(v) }

// DataExport is the progress of an export. Type "job:<status>" with jobType "data-export", no
// default target, priority normal, high for failed.
type DataExport struct {
	ExportID string `json:"exportId"` // required
	// required: started, processing, completed or failed
	Status string `json:"status"`
	// ExportID if it is empty, so that every job has a jobId
	JobID       string         `json:"jobId"`
	Progress    float64        `json:"progress"` // 0 to 100 %; for 0 use Data
	Format      string         `json:"format"`   // such as "csv"
	RecordCount int            `json:"recordCount"`
	SizeBytes   int            `json:"sizeBytes"`
	DownloadURL string         `json:"downloadUrl"`
	ExpiresAt   time.Time      `json:"expiresAt"`  // the end of the time for the download
	Error       string         `json:"error"`      // the reason of a failure
	DurationMs  int            `json:"durationMs"` // in ms
	Data        map[string]any `json:"-"`          // more fields of data
	Metadata    map[string]any `json:"-"`          // more metadata
}

// Build implements notify.Typed.
func (e DataExport) Build() (notify.Notification, notify.Target, error) { return build(e) }

// BatchOperation is the progress of an operation on many items. Type "job:<status>" with jobType
// "batch-operation", no default target, priority normal, high for failed.
type BatchOperation struct {
	BatchID string `json:"batchId"` // required
	// required: started, processing, completed or failed
	Status string `json:"status"`
	// BatchID if it is empty, so that every job has a jobId
	JobID      string         `json:"jobId"`
	Progress   float64        `json:"progress"`   // 0 to 100 %; for 0 use Data
	Operation  string         `json:"operation"`  // such as "archive"
	Total      int            `json:"total"`      // items in the batch
	Processed  int            `json:"processed"`  // items done, failed ones included
	Failed     int            `json:"failed"`     // items that failed
	Error      string         `json:"error"`      // the reason of a failure
	DurationMs int            `json:"durationMs"` // in ms
	Data       map[string]any `json:"-"`          // more fields of data
	Metadata   map[string]any `json:"-"`          // more metadata
}

// Build implements notify.Typed.
func (b BatchOperation) Build() (notify.Notification, notify.Target, error) { return build(b) }

func jobKinds() []Kind {
	job := Kind{
		Name: "job", GoType: "Job", Function: "sendJobNotification",
		Doc:  "The progress of a job.",
		Type: "job:<status>",
		ID:   ownID("jobId", "The id of the job."),
		Status: one("status", "The status of the job.", "started", "processing", "progress",
			"completed", "failed"),
		Fields: []Field{
			label("jobType", "The kind of job, such as report."),
			userID("userId", "The user who started the job."),
			percent("progress", "The progress."),
			text("message", "A text for users."),
			{Name: "result", Type: TypeAny, Doc: "The result of the job."},
			text("error", "The reason of a failure."),
			count("durationMs", "ms", "The duration."),
		},
		Category: "job", Source: "job-processor",
		Priority: PriorityNormal, Priorities: priorities("failed", PriorityHigh),
	}
	return []Kind{
		job,
		special("video-processing", "VideoProcessing", "The progress of processing a video.",
			ownID("videoId", "The id of the video."),
			label("title", "The title of the video."),
			link("url", "The address of the video."),
			link("thumbnailUrl", "The address of a picture."),
		),
		special("data-export", "DataExport", "The progress of an export.",
			ownID("exportId", "The id of the export."),
			label("format", "The format of the file, such as csv."),
			count("recordCount", "", "Records in the file."),
			count("sizeBytes", "bytes", "The size of the file."),
			link("downloadUrl", "The address of the file."),
			instant("expiresAt", "The end of the time for the download."),
		),
		special("batch-operation", "BatchOperation", "The progress of an operation on many items.",
			ownID("batchId", "The id of the batch."),
			label("operation", "The operation, such as archive."),
			count("total", "", "Items in the batch."),
			count("processed", "", "Items done, failed ones included."),
			count("failed", "", "Items that failed."),
		),
	}
}

// special returns a kind of job with an id of its own.
func special(name, goType, doc string, own Field, fields ...Field) Kind {
	all := []Field{
		{Name: "jobType", Type: TypeString, Const: name, Doc: "The kind of job."},
		{
			Name: "jobId", Type: TypeString, MaxLen: maxID, From: own.Name,
			Doc: own.Name + " if it is left out, so that every job has a jobId.",
		},
		percent("progress", "The progress."),
	}
	all = append(append(all, fields...), text("error", "The reason of a failure."),
		count("durationMs", "ms", "The duration."))
	return Kind{
		Name: name, GoType: goType, Function: "send" + goType + "Notification", Doc: doc,
		Type: "job:<status>", ID: own,
		Status: one("status", "The status of the job.", "started", "processing", "completed",
			"failed"),
		Fields:   all,
		Category: "job", Source: "job-processor",
		Priority: PriorityNormal, Priorities: priorities("failed", PriorityHigh),
	}
}
